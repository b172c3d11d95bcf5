import { ActionIcon, AppShell, Burger, Group, Kbd, Menu, ScrollArea, Text, UnstyledButton } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconLogout, IconSearch, IconSettings, IconUserCircle } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Outlet, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { logOut, meQuery } from '@/features/auth/queries';
import { StopBanner } from '@/features/sending/stop-banner';
import { StopButton } from '@/features/sending/stop-button';
import { settingsQuery } from '@/features/settings/queries';
import { TimeZoneProvider } from '@/lib/time-zone';
import { LinkMenuItem, LinkNav } from '@/ui/link-menu';
import { notifyError } from '@/ui/notify';
import { ColorSchemeToggle } from './color-scheme-toggle';
import { Logo } from './logo';
import { nav } from './nav';
import classes from './shell.module.css';

// Loaded when it is first wanted: most visits never search.
const Search = lazy(() => import('./search').then((module) => ({ default: module.Search })));

/** The frame of every page behind the log-in. */
export function Shell() {
  const { t } = useTranslation();
  const [open, { toggle, close }] = useDisclosure();
  const settings = useQuery(settingsQuery);
  const [searches, setSearches] = useState(0);
  const search = () => setSearches((count) => count + 1);
  useHotkeys([['mod+K', search]], []);
  return (
    <TimeZoneProvider value={settings.data?.time_zone || undefined}>
      <a href="#main" className="skip-link">
        {t('shell.skip')}
      </a>
      <AppShell
        header={{ height: 56 }}
        navbar={{ width: 228, breakpoint: 'sm', collapsed: { mobile: !open } }}
        padding={{ base: 'md', sm: 'xl' }}
      >
        <AppShell.Header bg="var(--app-surface)">
          <Group h="100%" px="md" justify="space-between" wrap="nowrap">
            <Group gap="xs" wrap="nowrap">
              <Burger opened={open} onClick={toggle} hiddenFrom="sm" size="sm" aria-label={t('shell.toggleNav')} />
              <Logo />
            </Group>
            <Group gap="xs" wrap="nowrap">
              <SearchButton onOpen={search} />
              <StopButton />
              <ColorSchemeToggle />
              <UserMenu />
            </Group>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" bg="var(--app-surface)" aria-label={t('shell.nav')}>
          <ScrollArea type="auto">
            <NavItems onFollow={close} />
          </ScrollArea>
        </AppShell.Navbar>
        <AppShell.Main id="main" tabIndex={-1} style={{ outline: 'none' }}>
          <div className={classes.main}>
            <StopBanner />
            <Outlet />
          </div>
        </AppShell.Main>
        {searches > 0 && (
          <Suspense fallback={null}>
            <Search opened={searches} />
          </Suspense>
        )}
      </AppShell>
    </TimeZoneProvider>
  );
}

function NavItems({ onFollow }: { onFollow: () => void }) {
  const { t } = useTranslation();
  return nav.map((section) => (
    <div key={section.items[0].key}>
      {section.group && <div className={classes.group}>{t(`nav.${section.group}`)}</div>}
      {section.items.map((item) => (
        <LinkNav
          key={item.to}
          to={item.to}
          className={classes.item}
          activeOptions={{ exact: item.to === '/', includeSearch: false }}
          activeProps={{ 'data-active': true }}
          label={t(`nav.${item.key}`)}
          leftSection={<item.icon size={18} stroke={1.7} aria-hidden />}
          onClick={onFollow}
        />
      ))}
    </div>
  ));
}

function SearchButton({ onOpen }: { onOpen: () => void }) {
  const { t } = useTranslation();
  return (
    <>
      <UnstyledButton className={classes.search} onClick={onOpen} visibleFrom="sm">
        <Group gap={8} component="span">
          <IconSearch size={15} aria-hidden />
          <span>{t('search.open')}</span>
        </Group>
        <Kbd size="xs" aria-hidden>
          {/Mac|iPhone|iPad/.test(navigator.userAgent) ? '⌘ K' : 'Ctrl K'}
        </Kbd>
      </UnstyledButton>
      <ActionIcon variant="default" hiddenFrom="sm" aria-label={t('search.open')} onClick={onOpen}>
        <IconSearch size={17} />
      </ActionIcon>
    </>
  );
}

function UserMenu() {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const leave = useMutation({
    mutationFn: logOut,
    onSuccess: async () => {
      await navigate({ to: '/login' });
      queryClient.clear();
    },
    onError: notifyError,
  });
  return (
    <Menu width={230}>
      <Menu.Target>
        <ActionIcon variant="default" aria-label={t('shell.account')}>
          <IconUserCircle size={18} stroke={1.7} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Group px="sm" py={6} gap={0}>
          <div style={{ minWidth: 0 }}>
            <Text fw={600} truncate>
              {me.data?.name}
            </Text>
            <Text size="sm" c="dimmed" truncate>
              {me.data?.email}
            </Text>
          </div>
        </Group>
        <Menu.Divider />
        <LinkMenuItem to="/settings" leftSection={<IconSettings size={16} />}>
          {t('nav.settings')}
        </LinkMenuItem>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => leave.mutate()}>
          {t('shell.logOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
