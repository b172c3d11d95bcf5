import '@mantine/spotlight/styles.css';
import { Spotlight, type SpotlightActionData, type SpotlightActionGroupData, spotlight } from '@mantine/spotlight';
import { IconAddressBook, IconListDetails, IconPlus, IconSearch, IconSend, IconUpload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { campaignsQuery } from '@/features/campaigns/queries';
import { listsQuery } from '@/features/lists/queries';
import { nav } from './nav';

/** What ⌘K opens, each time the count rises: pages, the things most often made, campaigns and lists by name, and the search among subscribers. */
export function Search({ opened: times }: { opened: number }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [opened, setOpened] = useState(false);
  useEffect(() => {
    spotlight.open();
    setOpened(true);
  }, [times]);
  const campaigns = useQuery({ ...campaignsQuery({}), enabled: opened });
  const lists = useQuery({ ...listsQuery(), enabled: opened });

  const pages: SpotlightActionData[] = nav
    .flatMap((section) => [...section.items])
    .map((item) => ({
      id: `page-${item.key}`,
      label: t(`nav.${item.key}`),
      leftSection: <item.icon size={18} stroke={1.7} />,
      onClick: () => void navigate({ to: item.to }),
    }));
  const acts: SpotlightActionData[] = [
    {
      id: 'new-campaign',
      label: t('campaigns.new'),
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate({ to: '/campaigns/new' }),
    },
    {
      id: 'new-import',
      label: t('imports.new'),
      leftSection: <IconUpload size={18} />,
      onClick: () => void navigate({ to: '/imports/new' }),
    },
  ];
  if (query.trim().length > 1) {
    acts.push({
      id: 'find-subscribers',
      label: t('search.subscribers', { query: query.trim() }),
      keywords: query,
      leftSection: <IconAddressBook size={18} />,
      onClick: () => void navigate({ to: '/subscribers', search: { q: query.trim() } }),
    });
  }
  const groups: SpotlightActionGroupData[] = [
    { group: t('search.actions'), actions: acts },
    { group: t('search.pages'), actions: pages },
    {
      group: t('nav.campaigns'),
      actions: (campaigns.data?.items ?? []).map((campaign) => ({
        id: `campaign-${campaign.id}`,
        label: campaign.name,
        leftSection: <IconSend size={18} stroke={1.7} />,
        onClick: () => void navigate({ to: '/campaigns/$id', params: { id: String(campaign.id) } }),
      })),
    },
    {
      group: t('nav.lists'),
      actions: (lists.data?.items ?? []).map((list) => ({
        id: `list-${list.id}`,
        label: list.name,
        leftSection: <IconListDetails size={18} stroke={1.7} />,
        onClick: () => void navigate({ to: '/lists/$id', params: { id: String(list.id) } }),
      })),
    },
  ].filter((group) => group.actions.length > 0);

  return (
    <Spotlight
      shortcut={null}
      query={query}
      onQueryChange={setQuery}
      onSpotlightOpen={() => setOpened(true)}
      actions={groups}
      nothingFound={t('search.nothing')}
      highlightQuery
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} aria-hidden />,
        placeholder: t('search.placeholder'),
        'aria-label': t('search.placeholder'),
      }}
    />
  );
}
