import { Button, Group, Paper, Stack, Text } from '@mantine/core';
import { IconArrowLeft, IconDatabaseImport } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Import, ImportCheck } from '@/api/types';
import { FormAlert } from '@/ui/form-alert';
import { RelativeTime } from '@/ui/relative-time';
import { Callouts } from './callouts';
import { ConsentText } from './consent-choice';
import { DiscardButton } from './discard-button';
import { useConsentDraft } from './drafts';
import { Figures, FiguresBar, outcomes } from './figures';
import { storing } from './import-status';
import { importQuery, startImport } from './queries';
import { type Panel, PanelOf } from './samples-panel';
import { StepTitle } from './step-title';

const PANEL = 'import-people';

type Props = { job: Import; focus: boolean; onBack: () => void };

/** What the import would do, before it does anything. */
export function ImportChecked({ job, focus, onBack }: Props) {
  // The view is shown only with a check that ended.
  return job.check && <Checked job={job} check={job.check} focus={focus} onBack={onBack} />;
}

function Checked({ job, check, focus, onBack }: Props & { check: ImportCheck }) {
  const { t } = useTranslation();
  const [panel, setPanel] = useState<Panel | null>(null);
  const toggle = (next: Panel) => setPanel(next === panel ? null : next);
  const people = panel && (
    <PanelOf key={panel} id={PANEL} panel={panel} job={job} figures={check} asOf={check.finished_at ?? ''} />
  );
  return (
    <Stack>
      <StepTitle
        focus={focus}
        text={
          <>
            {t('imports.checkedText')} <RelativeTime at={check.finished_at} />
          </>
        }
      >
        {storing(check) > 0
          ? t('imports.checkedTitle', { count: storing(check), list: job.list_name })
          : t('imports.checkedNothing')}
      </StepTitle>
      <Paper p="md">
        <FiguresBar label={t('imports.checkBar', { name: job.filename })} figures={check} progress={1} />
        <div style={{ height: 14 }} />
        <Figures
          figures={check}
          checked
          open={panel}
          onOpen={toggle}
          openable={(outcome) => outcome !== 'unchanged'}
          panelId={PANEL}
        />
      </Paper>
      {isOutcome(panel) && people}
      <Callouts figures={check} checked open={panel} onOpen={toggle} panelId={PANEL} />
      {!isOutcome(panel) && people}
      <StartBar job={job} check={check} onBack={onBack} />
    </Stack>
  );
}

/** Whether the people belong to one of the four figures; the others belong to a remark below them. */
function isOutcome(panel: Panel | null): boolean {
  return outcomes.some((outcome) => outcome === panel);
}

function StartBar({ job, check, onBack }: { job: Import; check: ImportCheck; onBack: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const [consent, setConsent] = useConsentDraft(job);
  const [given] = useState(consent.trim() !== '');
  const [asked, setAsked] = useState(false);
  const required = check.mapping.status === 'subscribed';
  const start = useMutation({
    mutationFn: () => startImport({ id: job.id, mapping: check.mapping, consent: consent.trim() }),
    onSuccess: (started) => {
      queryClient.setQueryData(importQuery(job.id).queryKey, started);
      void queryClient.invalidateQueries({ queryKey: ['imports', 'page'] });
    },
  });
  const submit = () => {
    setAsked(true);
    if (!required || consent.trim()) start.mutate();
  };
  const nothing = storing(check) === 0;
  return (
    <Paper p="md" component="section" aria-label={t('imports.consent.title')}>
      <Stack gap="sm">
        <Text>
          {t(`imports.as.${check.mapping.status}`)}{' '}
          {given && (
            <Text span c="dimmed">
              {t('imports.agreed', { text: consent })}
            </Text>
          )}
        </Text>
        {!given && <ConsentText required={required} value={consent} asked={asked} onChange={setConsent} />}
        {start.error && <FormAlert message={errorMessage(start.error)} />}
        <Group justify="space-between" gap="sm">
          <Button variant="default" leftSection={<IconArrowLeft size={16} />} onClick={onBack}>
            {t('imports.changeColumns')}
          </Button>
          <Group gap="sm">
            <DiscardButton job={job} />
            <Button
              disabled={nothing}
              loading={start.isPending}
              leftSection={<IconDatabaseImport size={17} />}
              onClick={submit}
            >
              {nothing ? t('imports.startNothing') : t('imports.start', { count: storing(check), list: job.list_name })}
            </Button>
          </Group>
        </Group>
        <Text size="sm" c="dimmed" ta="end">
          {t('imports.undoLater')}
        </Text>
      </Stack>
    </Paper>
  );
}
