import { Button, ScrollArea, Stack, Text } from '@mantine/core';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Report } from '@/api/types';
import { reportQuery } from '@/features/reports/queries';
import { QueryView } from '@/ui/query-view';

/** The message of a report as it was received, on demand and only ever as text: anybody may have written it. */
export function RawMessage({ report }: { report: Pick<Report, 'id' | 'has_raw'> }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(false);
  const box = useId();
  const query = useQuery({ ...reportQuery(report.id), enabled: shown });
  if (!report.has_raw) {
    return (
      <Text size="sm" c="dimmed">
        {t('reports.noRaw')}
      </Text>
    );
  }
  return (
    <Stack gap="xs" align="stretch">
      <div>
        <Button
          size="compact-sm"
          variant="default"
          aria-expanded={shown}
          aria-controls={box}
          rightSection={shown ? <IconChevronUp size={14} /> : <IconChevronDown size={14} />}
          onClick={() => setShown(!shown)}
        >
          {t(shown ? 'reports.hideRaw' : 'reports.raw')}
        </Button>
      </div>
      <div id={box}>
        {shown && (
          <QueryView query={query}>
            {({ raw }) => (
              <ScrollArea.Autosize
                mah={420}
                viewportProps={{ tabIndex: 0, role: 'region', 'aria-label': t('reports.raw') }}
              >
                <pre
                  className="mono"
                  style={{
                    margin: 0,
                    padding: 12,
                    background: 'var(--app-sunken)',
                    whiteSpace: 'pre-wrap',
                    overflowWrap: 'anywhere',
                  }}
                >
                  {raw}
                </pre>
              </ScrollArea.Autosize>
            )}
          </QueryView>
        )}
      </div>
    </Stack>
  );
}
