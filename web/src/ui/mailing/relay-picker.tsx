import { ActionIcon, Button, Group, Input, Paper, Select, Stack, Text } from '@mantine/core';
import { IconArrowUp, IconPlus, IconX } from '@tabler/icons-react';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { CampaignInput, Relay } from '@/api/types';
import { flowsOf, isBackup } from '@/lib/routing';
import { LinkAnchor } from '@/ui/link';
import { failedOf, LoadFailures } from '@/ui/load-failures';
import { PaceCell } from '@/ui/pace-badge';
import { RoutingRules } from '@/ui/routing-rules';
import { StatusBadge } from '@/ui/status-badge';
import { roleOf } from './plan';
import { RelayIssues } from './relay-issues';
import { RelayPlan } from './relay-plan';
import { useRelays } from './use-relays';

/** What the choice of relays needs of a form: that of a campaign and that of a newsletter have it. */
export type RelayForm = {
  values: Pick<CampaignInput, 'relay_ids' | 'from_email'>;
  errors: Partial<Record<string, React.ReactNode>>;
  setValues(values: Pick<CampaignInput, 'relay_id' | 'relay_ids'>): void;
  clearFieldError(path: string): void;
};
type Form = { form: RelayForm };

const MOST = 20;

/** The choice of one relay, and of more where that is wanted. */
export function RelayPicker({ form }: Form) {
  const { t } = useTranslation();
  const [adding, setAdding] = useState(false);
  const ids = form.values.relay_ids;
  const { relays, all, ready, query } = useRelays(ids);
  const choose = (next: number[]) => {
    setAdding(false);
    // relay_id is the first of them; the server wants both to agree.
    form.setValues({ relay_id: next[0] ?? null, relay_ids: next });
    form.clearFieldError('relay_id');
    form.clearFieldError('relay_ids');
  };
  const others = all.filter((relay) => !ids.includes(relay.id));
  const error = form.errors.relay_id ?? form.errors.relay_ids;
  const add = (id: string | null) => id && choose([...ids, Number(id)]);
  const more = ids.length > 0 && ids.length < MOST && others.length > 0;
  return (
    <Stack gap="sm">
      <LoadFailures queries={[query]} />
      {failedOf([query]).length > 0 ? null : ids.length < 2 ? (
        <Select
          label={t('campaigns.relay')}
          description={t('campaigns.relayHint')}
          placeholder={t('campaigns.chooseRelay')}
          data={all.map(option)}
          error={error}
          value={ids[0] === undefined ? null : String(ids[0])}
          onChange={(id) => choose(id === null ? [] : [Number(id)])}
        />
      ) : (
        <Chosen ids={ids} relays={relays} from={form.values.from_email} error={error} ready={ready} onChange={choose} />
      )}
      {more && adding && (
        <Select
          label={t('campaigns.addRelay')}
          description={t('campaigns.addRelayHint')}
          placeholder={t('campaigns.chooseRelay')}
          data={others.map(option)}
          value={null}
          onChange={add}
          searchable={others.length > 8}
          autoFocus
        />
      )}
      {more && !adding && (
        <div>
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconPlus size={14} />}
            onClick={() => setAdding(true)}
          >
            {t('campaigns.addRelay')}
          </Button>
        </div>
      )}
      <RelayIssues
        relays={relays}
        from={form.values.from_email}
        onLeaveOut={(id) => choose(ids.filter((one) => one !== id))}
      />
    </Stack>
  );
}

const option = (relay: Relay) => ({ value: String(relay.id), label: relay.name });

type ChosenProps = {
  ids: number[];
  relays: Relay[];
  from: string;
  error: React.ReactNode;
  ready: boolean;
  onChange: (ids: number[]) => void;
};

/** Several relays, with what each of them does and what comes of it. */
function Chosen({ ids, relays, from, error, ready, onChange }: ChosenProps) {
  const { t } = useTranslation();
  const labelId = useId();
  const flows = flowsOf(relays, from);
  const backups = relays.filter(isBackup);
  const remove = (id: number) => onChange(ids.filter((one) => one !== id));
  /** Puts a backup before the one that comes before it: they are asked in this order. */
  const sooner = (relay: Relay) => {
    const before = backups[backups.indexOf(relay) - 1];
    if (!before) return;
    onChange(ids.map((id) => (id === before.id ? relay.id : id === relay.id ? before.id : id)));
  };
  return (
    <Input.Wrapper
      label={t('campaigns.relays')}
      description={t('campaigns.relaysHint')}
      error={error}
      labelElement="div"
      labelProps={{ id: labelId }}
    >
      <Stack gap="xs" mt={6} role="group" aria-labelledby={labelId}>
        {relays.map((relay) => (
          <ChosenRelay
            key={relay.id}
            relay={relay}
            role={roleOf(t, relay, flows)}
            onSooner={backups.indexOf(relay) > 0 ? () => sooner(relay) : undefined}
            onRemove={() => remove(relay.id)}
          />
        ))}
        {ready &&
          ids
            .filter((id) => !relays.some((relay) => relay.id === id))
            .map((id) => <Gone key={id} id={id} onRemove={() => remove(id)} />)}
        <div aria-live="polite">
          <Text fw={600} mt="xs">
            {t('campaigns.plan.title')}
          </Text>
          <RelayPlan relays={relays} from={from} />
        </div>
      </Stack>
    </Input.Wrapper>
  );
}

type RowProps = { relay: Relay; role: string | null; onSooner: (() => void) | undefined; onRemove: () => void };

function ChosenRelay({ relay, role, onSooner, onRemove }: RowProps) {
  const { t } = useTranslation();
  return (
    <Paper p="sm" role="group" aria-label={relay.name}>
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="xs">
        <div style={{ minWidth: 0 }}>
          <Group gap="xs">
            <LinkAnchor to="/relays/$id" params={{ id: String(relay.id) }} className="link-strong">
              {relay.name}
            </LinkAnchor>
            <StatusBadge tone={role === null ? 'bad' : isBackup(relay) ? 'quiet' : 'info'}>
              {role ?? t('campaigns.role.none')}
            </StatusBadge>
          </Group>
          <Text size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
            <RoutingRules relay={relay} />
          </Text>
        </div>
        <Group gap={4} wrap="nowrap">
          {onSooner && (
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t('campaigns.sooner', { relay: relay.name })}
              onClick={onSooner}
            >
              <IconArrowUp size={17} />
            </ActionIcon>
          )}
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t('campaigns.removeRelay', { relay: relay.name })}
            onClick={onRemove}
          >
            <IconX size={17} />
          </ActionIcon>
        </Group>
      </Group>
      <PaceCell relay={relay} />
    </Paper>
  );
}

function Gone({ id, onRemove }: { id: number; onRemove: () => void }) {
  const { t } = useTranslation();
  return (
    <Paper p="sm">
      <Group justify="space-between">
        <Text c="dimmed">{t('campaigns.relayGone', { id })}</Text>
        <Button size="compact-sm" variant="default" onClick={onRemove}>
          {t('campaigns.removeGone')}
        </Button>
      </Group>
    </Paper>
  );
}
