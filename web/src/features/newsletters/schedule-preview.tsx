import { Button, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { errorMessage, Problem } from '@/api/problem';
import type { Recurrence, ScheduleRun } from '@/api/types';
import { capitalized, localClock } from '@/lib/format';
import { DataTable } from '@/ui/data-table';
import { FormAlert } from '@/ui/form-alert';
import { QueryView } from '@/ui/query-view';
import { Section } from '@/ui/section';
import { previewQuery } from './queries';
import { RunNotes } from './run-notes';
import { formatMoment, viewerZone } from './times';

type Props = {
  schedule: Required<Recurrence>;
  onLeaveOut: (date: string) => void;
  onTakeBack: (date: string) => void;
};

/** How long somebody must pause before the server is asked. */
const PAUSE_MS = 300;

/** What a schedule means and its next ten runs, by the newsletter's clocks and the viewer's. */
export function SchedulePreviewCard({ schedule, onLeaveOut, onTakeBack }: Props) {
  const { t } = useTranslation();
  const [settled] = useDebouncedValue(schedule, PAUSE_MS);
  const query = useQuery(previewQuery(settled));
  const zone = settled.zone;
  const here = viewerZone();
  const wrong = useObjection(query.error);
  return (
    <Section
      flush
      title={t('newsletters.schedule.next')}
      description={
        !wrong && query.data
          ? capitalized(localClock(query.data.description.english))
          : t('newsletters.schedule.nextText')
      }
    >
      <div aria-live="polite" aria-busy={query.isFetching}>
        {wrong ? (
          <div style={{ padding: 'var(--mantine-spacing-md)' }}>
            <FormAlert message={wrong} />
          </div>
        ) : (
          <QueryView query={query}>
            {({ runs }) =>
              runs.length === 0 ? (
                <Text p="md" c="dimmed">
                  {t('newsletters.schedule.none')}
                </Text>
              ) : (
                <DataTable<ScheduleRun>
                  label={t('newsletters.schedule.next')}
                  rows={runs}
                  rowKey={(run) => run.at}
                  columns={[
                    {
                      key: 'there',
                      header: t('newsletters.inZone', { zone }),
                      render: (run) => (
                        <div>
                          <Text td={run.out ? 'line-through' : undefined} c={run.out ? 'dimmed' : undefined}>
                            {formatMoment(run.at, zone)}
                          </Text>
                          <RunNotes run={run} before={runs[runs.indexOf(run) - 1]} />
                        </div>
                      ),
                    },
                    // The same clocks twice would only be looked at for a difference.
                    ...(runs.some((run) => formatMoment(run.at, zone) !== formatMoment(run.at, here))
                      ? [
                          {
                            key: 'here',
                            header: t('newsletters.forYou', { zone: here }),
                            render: (run: ScheduleRun) => formatMoment(run.at, here),
                          },
                        ]
                      : []),
                    {
                      key: 'act',
                      header: '',
                      align: 'end',
                      render: (run) =>
                        run.out ? (
                          <Button
                            size="compact-sm"
                            variant="subtle"
                            onClick={() => onTakeBack(run.date)}
                            aria-label={t('newsletters.schedule.takeBackDate', { date: run.date })}
                          >
                            {t('newsletters.schedule.takeBack')}
                          </Button>
                        ) : (
                          <Button
                            size="compact-sm"
                            variant="subtle"
                            onClick={() => onLeaveOut(run.date)}
                            aria-label={t('newsletters.schedule.leaveOutDate', { date: run.date })}
                          >
                            {t('newsletters.schedule.leaveOut')}
                          </Button>
                        ),
                    },
                  ]}
                />
              )
            }
          </QueryView>
        )}
      </div>
    </Section>
  );
}

const fields = ['rule', 'zone', 'start', 'exdates'] as const;

/** Objections with the field that they are about. */
function useObjection(error: Error | null): string | null {
  const { t } = useTranslation();
  if (!(error instanceof Problem)) return error && errorMessage(error);
  const told = Object.entries(error.fieldErrors).map(([path, message]) => {
    const field = fields.find((one) => path === one || path.startsWith(`${one}.`));
    return field ? `${t(`newsletters.schedule.fields.${field}`)}: ${message}` : message;
  });
  return told.length > 0 ? told.join('; ') : error.summary;
}
