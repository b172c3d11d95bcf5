import { Button, Group, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconListCheck } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { errorMessage } from '@/api/problem';
import type { Field, Import } from '@/api/types';
import { fieldsQuery } from '@/features/fields/queries';
import { FormAlert } from '@/ui/form-alert';
import { Section } from '@/ui/section';
import { AddressLooksCard } from './address-looks-card';
import { ColumnTable } from './column-table';
import { ConsentChoice } from './consent-choice';
import { DiscardButton } from './discard-button';
import { useConsentDraft, useMappingDraft } from './drafts';
import { ImportFormatCard } from './import-format';
import { ImportPreviewTable } from './import-preview';
import { type MappingDraft, mappingProblems } from './mapping';
import { checkImport, importQuery, previewQuery } from './queries';
import { StepTitle } from './step-title';

const PREVIEW_AFTER_MS = 300;
const NO_FIELDS: Field[] = [];

type Props = { job: Import; focus: boolean; onChecking: () => void };

/** How the file is read, what each column means, and what these people agreed to. */
export function ImportColumns({ job, focus, onChecking }: Props) {
  const { t } = useTranslation();
  return (
    <Stack>
      <StepTitle focus={focus} text={t('imports.columnsText')}>
        {t('imports.columnsTitle')}
      </StepTitle>
      {job.check?.status === 'failed' && (
        <FormAlert message={t('imports.checkFailed', { reason: job.check.error ?? '' })} />
      )}
      <ImportFormatCard job={job} />
      {/* Another reading of the file has other columns, so what was chosen for the old ones is gone. */}
      <Columns key={JSON.stringify(job.columns)} job={job} onChecking={onChecking} />
    </Stack>
  );
}

function Columns({ job, onChecking }: { job: Import; onChecking: () => void }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const fields = useQuery(fieldsQuery()).data ?? NO_FIELDS;
  const [draft, setDraft] = useMappingDraft(job);
  const [consent, setConsent] = useConsentDraft(job);
  const [asked, setAsked] = useState(false);
  const problems = useMemo(() => mappingProblems(draft, job.columns, fields), [draft, job.columns, fields]);
  const [settled] = useDebouncedValue(draft, PREVIEW_AFTER_MS);
  const readable = mappingProblems(settled, job.columns, fields).length === 0;
  const preview = useQuery(
    previewQuery(job.id, { ...settled, status: settled.status ?? 'subscribed' }, job.format, readable),
  );
  const check = useMutation({
    mutationFn: (status: 'subscribed' | 'unconfirmed') => checkImport({ id: job.id, mapping: { ...draft, status } }),
    onSuccess: (checking) => {
      queryClient.setQueryData(importQuery(job.id).queryKey, checking);
      onChecking();
    },
  });
  const missing = consentMissing(draft.status, consent);
  const submit = () => {
    setAsked(true);
    if (problems.length > 0) return focusOn('#import-columns', '[data-wrong] [aria-invalid="true"]');
    if (!draft.status || missing) return focusOn('#import-consent [aria-invalid="true"]', '#import-consent input');
    check.mutate(draft.status);
  };
  return (
    <>
      <Section title={t('imports.columns')} description={t('imports.columnsHint')} flush>
        <ColumnTable
          columns={job.columns}
          draft={draft}
          fields={fields}
          problems={problems}
          header={job.format.has_header}
          onChange={setDraft}
        />
      </Section>
      {readable && (
        <Section title={t('imports.preview')} description={t('imports.previewText')} flush>
          <ImportPreviewTable preview={preview} columns={settled.columns} fields={fields} />
        </Section>
      )}
      <AddressLooksCard value={draft} onChange={setDraft} />
      <ConsentChoice
        list={job.list_name}
        status={draft.status}
        consent={consent}
        asked={asked}
        onStatus={(status) => setDraft({ ...draft, status })}
        onConsent={setConsent}
      />
      {check.error && <FormAlert message={errorMessage(check.error)} />}
      <Group justify="flex-end" gap="sm">
        <DiscardButton job={job} />
        <Button loading={check.isPending} leftSection={<IconListCheck size={17} />} onClick={submit}>
          {t('imports.check')}
        </Button>
      </Group>
      <Text size="sm" c="dimmed" ta="end" mt={-8}>
        {t('imports.checkHint')}
      </Text>
    </>
  );
}

/** People who are mailed at once need a word on how they agreed. */
function consentMissing(status: MappingDraft['status'], consent: string): boolean {
  return status === 'subscribed' && consent.trim() === '';
}

/** Goes to the first of these that is there, after the next paint, when what is wrong is marked. */
function focusOn(...selectors: string[]) {
  requestAnimationFrame(() => {
    const found = selectors.map((one) => document.querySelector<HTMLElement>(one)).find(Boolean);
    found?.focus();
    found?.scrollIntoView({ block: 'center' });
  });
}
