import { Alert, Badge, Button, Group, Stack, Text } from '@mantine/core';
import { IconFlask2, IconTrophy } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { AbFigures, AbReport, Campaign } from '@/api/types';
import { capitalized, formatNumber, formatPercent, NONE } from '@/lib/format';
import { confirmAction } from '@/ui/confirm';
import { CsvLink } from '@/ui/csv-link';
import { type Column, DataTable } from '@/ui/data-table';
import { notifyError, notifySuccess } from '@/ui/notify';
import { QueryView } from '@/ui/query-view';
import { DateTime, RelativeTime } from '@/ui/relative-time';
import { Section } from '@/ui/section';
import classes from './ab-report.module.css';
import { abTestQuery, campaignQuery, decideTest } from './queries';
import { canDecide, doubtOf, EVERYBODY, letter, ownWords, scaleOf } from './variants';

type Props = { campaign: Campaign; live: boolean };
type ReportProps = { campaign: Campaign; report: AbReport };

const REFRESH_MS = 5_000;

/** How an A/B test stands, what was decided and why. */
export function AbReportTab({ campaign, live }: Props) {
  const query = useQuery({ ...abTestQuery(campaign.id), refetchInterval: live ? REFRESH_MS : false });
  return (
    <QueryView query={query}>
      {(report) => (
        <Stack>
          <Standing campaign={campaign} report={report} />
          <Rates campaign={campaign} report={report} />
          <Figures campaign={campaign} report={report} />
          {report.decisions.length > 0 && <Decisions report={report} />}
        </Stack>
      )}
    </QueryView>
  );
}

function Standing({ campaign, report }: ReportProps) {
  const { t } = useTranslation();
  const { winner, state, rest, decides_at } = report;
  return (
    <Alert
      variant="default"
      style={state === 'asking' ? { borderColor: 'var(--app-warn)' } : {}}
      icon={winner === null ? <IconFlask2 color="var(--app-info)" /> : <IconTrophy color="var(--app-good)" />}
      title={
        winner === null ? t(`campaigns.ab.state.${state}`) : t('campaigns.ab.state.winner', { letter: letter(winner) })
      }
    >
      {state !== 'decided' && <Text>{capitalized(report.standing)}.</Text>}
      {decides_at && (
        <Text>
          {t(state === 'sampling' ? 'campaigns.ab.decidesAbout' : 'campaigns.ab.decides')}{' '}
          <strong>
            <DateTime at={decides_at} />
          </strong>{' '}
          (<RelativeTime at={decides_at} />
          ).
        </Text>
      )}
      {state === 'decided' && report.decided_at && (
        <Text>
          <DateTime at={report.decided_at} />. {capitalized(report.decisions.at(-1)?.why ?? '')}
        </Text>
      )}
      {report.sample_percent !== EVERYBODY && rest > 0 && (
        <Text size="sm" c="dimmed">
          {t(winner === null ? 'campaigns.ab.rest' : 'campaigns.ab.restGot', { count: rest })}
        </Text>
      )}
      {canDecide(report) && <Decide campaign={campaign} report={report} />}
    </Alert>
  );
}

/** Sends one of the variants to the rest before its time; people see what that means first. */
function Decide({ campaign, report }: ReportProps) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const decide = useMutation({
    mutationFn: (variant: number) => decideTest({ id: campaign.id, variant }),
    onSuccess: (saved, variant) => {
      queryClient.setQueryData(campaignQuery(campaign.id).queryKey, saved);
      notifySuccess(t('campaigns.ab.decided', { letter: letter(variant) }));
      return queryClient.invalidateQueries({ queryKey: ['campaigns', campaign.id] });
    },
    onError: notifyError,
  });
  const ask = (variant: number) =>
    confirmAction({
      title: t('campaigns.ab.decideTitle', { letter: letter(variant) }),
      body: (
        <>
          <Text>{t('campaigns.ab.decideText', { count: report.rest, letter: letter(variant) })}</Text>
          {report.state !== 'asking' && (
            <Text mt="xs" c="dimmed">
              {t('campaigns.ab.decideEarly')}
            </Text>
          )}
        </>
      ),
      confirm: t('campaigns.ab.decideConfirm', { count: report.rest, letter: letter(variant) }),
      danger: false,
      onConfirm: () => decide.mutate(variant),
    });
  return (
    <Group gap="xs" mt="sm" role="group" aria-label={t('campaigns.ab.decideNow')}>
      <Text size="sm" fw={550}>
        {t('campaigns.ab.decideNow')}
      </Text>
      {report.variants.map((_, index) => (
        <Button
          key={letter(index + 1)}
          size="xs"
          variant={report.state === 'asking' && report.best === index + 1 ? 'filled' : 'default'}
          loading={decide.isPending && decide.variables === index + 1}
          disabled={decide.isPending}
          onClick={() => ask(index + 1)}
        >
          {t('campaigns.ab.send', { letter: letter(index + 1) })}
        </Button>
      ))}
    </Group>
  );
}

/** The rate of each variant with where it probably is, all on one scale. */
function Rates({ campaign, report }: ReportProps) {
  const { t } = useTranslation();
  const scale = scaleOf(report.figures);
  return (
    <Section
      title={t(`campaigns.ab.rateOf.${report.metric}`)}
      description={t('campaigns.ab.intervalHint')}
      actions={
        <CsvLink
          path={`/campaigns/${campaign.id}/stats.csv`}
          query={{ table: 'variants' }}
          what={t('campaigns.ab.variants')}
        />
      }
    >
      <ul className={classes.rates} aria-label={t(`campaigns.ab.rateOf.${report.metric}`)}>
        {report.figures.map((one) => (
          <li key={one.variant} className={classes.row}>
            <div className={classes.name}>
              <Badge
                variant="light"
                color={report.winner === one.variant ? 'green' : 'gray'}
                styles={{ root: { flexShrink: 0 }, label: { color: 'var(--mantine-color-text)' } }}
              >
                {letter(one.variant)}
              </Badge>
              <Text truncate title={ownWords(report.variants[one.variant - 1], campaign.subject)}>
                {ownWords(report.variants[one.variant - 1], campaign.subject)}
              </Text>
            </div>
            <div className={classes.track} aria-hidden>
              {one.sent > 0 && (
                <>
                  <div
                    className={classes.interval}
                    data-winner={report.winner === one.variant || undefined}
                    style={{ left: `${scale.at(one.low)}%`, width: `${scale.at(one.high) - scale.at(one.low)}%` }}
                  />
                  <div
                    className={classes.rate}
                    data-winner={report.winner === one.variant || undefined}
                    style={{ left: `${scale.at(one.rate)}%` }}
                  />
                </>
              )}
            </div>
            <Text className={`${classes.value} tabular`}>{rateText(t, one)}</Text>
          </li>
        ))}
      </ul>
      {report.detectable !== null && report.state !== 'decided' && (
        <Text size="sm" c="dimmed" mt="sm">
          {t('campaigns.ab.detectable', { rate: formatPercent(report.detectable, 1) })}
        </Text>
      )}
    </Section>
  );
}

function rateText(t: TFunction, one: AbFigures): string {
  if (one.sent === 0) return t('campaigns.ab.noneYet');
  return t('campaigns.ab.interval', {
    rate: formatPercent(one.rate, 1),
    low: formatPercent(one.low, 1),
    high: formatPercent(one.high, 1),
  });
}

function Figures({ report }: ReportProps) {
  const { t } = useTranslation();
  const number = (key: 'assigned' | 'waiting' | 'sent' | 'opened' | 'clicked'): Column<AbFigures> => ({
    key,
    header: t(`campaigns.ab.figure.${key}`),
    align: 'end',
    render: (row) => formatNumber(row[key]),
  });
  const columns: Column<AbFigures>[] = [
    {
      key: 'variant',
      header: t('campaigns.ab.variantColumn'),
      render: (row) => <Text fw={550}>{letter(row.variant)}</Text>,
    },
    number('assigned'),
    number('waiting'),
    number('sent'),
    number('opened'),
    number('clicked'),
    {
      key: 'p',
      header: t('campaigns.ab.figure.luck'),
      hint: t('campaigns.ab.luckHint'),
      align: 'end',
      render: (row) => {
        const doubt = doubtOf(report, row);
        if (doubt === null) return NONE;
        return doubt === 'ahead' ? t('campaigns.ab.ahead') : formatPercent(doubt, 1);
      },
    },
  ];
  return (
    <Section title={t('campaigns.ab.figures')} description={t('campaigns.ab.figuresText')} flush>
      <DataTable
        label={t('campaigns.ab.figures')}
        columns={columns}
        rows={report.figures}
        rowKey={(row) => row.variant}
      />
    </Section>
  );
}

function Decisions({ report }: { report: AbReport }) {
  const { t } = useTranslation();
  return (
    <Section title={t('campaigns.ab.decisions')}>
      <Stack gap="sm">
        {report.decisions.map((one) => (
          <div key={one.at}>
            <Text fw={550}>
              {t(`campaigns.ab.method.${one.method}`, {
                letter: one.winner === null ? '' : letter(one.winner),
                name: one.by ?? '',
              })}
            </Text>
            <Text>{capitalized(one.why)}</Text>
            <Text size="sm" c="dimmed">
              <DateTime at={one.at} />
            </Text>
          </div>
        ))}
      </Stack>
    </Section>
  );
}
