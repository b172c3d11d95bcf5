import { Group, Stack, Text } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { PreflightReport } from '@/api/types';
import { Section } from '@/ui/section';
import { FindingCard } from './finding-card';
import { passedAreas, severities } from './findings';

type Props = {
  report: PreflightReport;
  campaignId?: number;
  exactLines?: boolean;
  onAcknowledge?: (code: string) => void;
  busy?: boolean;
  /** Stands above the warnings. */
  warningActions?: ReactNode;
};

/** Everything that a check found, the worst first, and after it what is in order. */
export function ReportView({ report, campaignId, exactLines = false, onAcknowledge, busy, warningActions }: Props) {
  const { t } = useTranslation();
  const passed = passedAreas(report, campaignId !== undefined);
  return (
    <Stack>
      {severities.map((severity) => {
        const found = report.findings.filter((one) => one.severity === severity);
        if (found.length === 0) return null;
        return (
          <Section
            key={severity}
            title={t(`preflight.group.${severity}`, { count: found.length })}
            description={t(`preflight.groupText.${severity}`)}
            actions={severity === 'warning' ? warningActions : undefined}
          >
            <Stack gap="lg" component="ul" p={0} m={0}>
              {found.map((finding) => (
                <FindingCard
                  key={finding.code}
                  finding={finding}
                  campaignId={campaignId}
                  exactLines={exactLines}
                  onAcknowledge={onAcknowledge && (() => onAcknowledge(finding.code))}
                  busy={busy ?? false}
                />
              ))}
            </Stack>
          </Section>
        );
      })}
      {passed.length > 0 && (
        <Section title={t('preflight.group.passed', { count: passed.length })}>
          <Stack gap="xs" component="ul" p={0} m={0} aria-label={t('preflight.passedList')}>
            {passed.map((area) => (
              <Group key={area} component="li" gap="sm" wrap="nowrap" align="flex-start" style={{ listStyle: 'none' }}>
                <IconCircleCheck
                  size={18}
                  color="var(--app-good)"
                  style={{ flexShrink: 0, marginTop: 2 }}
                  aria-hidden
                />
                <Text>{t(`preflight.passed.${area}`)}</Text>
              </Group>
            ))}
          </Stack>
        </Section>
      )}
    </Stack>
  );
}
