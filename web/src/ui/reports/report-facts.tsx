import { Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Report } from '@/api/types';
import { useWords } from '@/lib/words';
import { reportWords } from './kinds';
import { RawMessage } from './raw-message';

/** What a report says and what was done because of it, with the message itself on demand. */
export function ReportFacts({ report }: { report: Report }) {
  const { t } = useTranslation();
  const words = useWords();
  const said = reportWords(report);
  return (
    <Stack gap={4}>
      {report.kind === 'bounce' && (
        <Text size="sm">
          {[words.reason(report.reason), report.hard ? t('reports.hard') : words.fault(report.fault)]
            .filter(Boolean)
            .join(' · ')}
        </Text>
      )}
      {report.feedback_type && <Text size="sm">{t('reports.feedback', { type: report.feedback_type })}</Text>}
      {said && (
        <Text size="sm" className="mono" style={{ overflowWrap: 'anywhere' }}>
          {said}
        </Text>
      )}
      <Text size="sm" fw={550}>
        {t(`reports.action.${report.action}`)}
      </Text>
      {report.matched_by && (
        <Text size="sm" c="dimmed">
          {t(`reports.matched.${report.matched_by}`)}
        </Text>
      )}
      <RawMessage report={report} />
    </Stack>
  );
}
