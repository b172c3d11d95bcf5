import { Group, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCheck, IconMinus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { LinkState, PreflightReport, SpamResult } from '@/api/types';
import { formatBytes, formatList, formatNumber } from '@/lib/format';
import { type Column, DataTable } from '@/ui/data-table';
import { LinkAnchor } from '@/ui/link';
import { Section } from '@/ui/section';
import { StatusBadge } from '@/ui/status-badge';
import { GMAIL_CUT, GMAIL_NEAR, supportOf } from './findings';

/** A named fact of a report. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <Text size="sm" c="dimmed" mb={2}>
        {name}
      </Text>
      {children}
    </div>
  );
}

/** How large the mail is against where Gmail cuts it off, what the spam filter said, and how mail programs show it. */
export function ReportFacts({ report, children }: { report: PreflightReport; children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <Section title={t('preflight.facts')}>
      <Stack gap="md">
        {report.samples > 0 && <Size report={report} />}
        {children}
        <Fact name={t('preflight.spam.title')}>
          {report.spam ? (
            <Spam spam={report.spam} />
          ) : (
            <Text size="sm">
              {t('preflight.spam.none')}{' '}
              <LinkAnchor to="/settings" underline="always">
                {t('preflight.spam.set')}
              </LinkAnchor>
            </Text>
          )}
        </Fact>
        {report.samples > 0 && <Programs report={report} />}
      </Stack>
    </Section>
  );
}

function Size({ report }: { report: PreflightReport }) {
  const { t } = useTranslation();
  const { html_bytes: html, least_html_bytes: least, message_bytes, image_bytes } = report.sizes;
  const color = html > GMAIL_CUT ? 'red' : html >= GMAIL_NEAR ? 'yellow' : 'teal';
  return (
    <Fact name={t('preflight.size.title')}>
      <Text fw={600} className="tabular">
        {t('preflight.size.of', { size: formatBytes(html) })}
      </Text>
      <Progress
        value={Math.min(100, (html / GMAIL_CUT) * 100)}
        color={color}
        my={6}
        aria-label={t('preflight.size.title')}
      />
      <Text size="sm" c="dimmed">
        {t(
          html > GMAIL_CUT ? 'preflight.size.cut' : html >= GMAIL_NEAR ? 'preflight.size.near' : 'preflight.size.fits',
        )}
        {least < html && ` ${t('preflight.size.least', { size: formatBytes(least) })}`}
      </Text>
      <Text size="sm" c="dimmed">
        {t('preflight.size.message', { size: formatBytes(message_bytes) })}
        {image_bytes > 0 && `; ${t('preflight.size.images', { size: formatBytes(image_bytes) })}`}
      </Text>
    </Fact>
  );
}

function Spam({ spam }: { spam: SpamResult }) {
  const { t } = useTranslation();
  if (spam.trouble) return <Text size="sm">{spam.trouble}</Text>;
  const rules = [...spam.rules].sort((a, b) => b.score - a.score).slice(0, 5);
  const over = spam.score >= spam.threshold;
  const said = t('preflight.spam.score', { score: formatNumber(spam.score), threshold: formatNumber(spam.threshold) });
  return (
    <>
      <Text fw={600}>{said}</Text>
      <Progress
        value={Math.max(0, Math.min(100, (spam.score / Math.max(spam.threshold, 0.1)) * 100))}
        color={over ? 'red' : 'teal'}
        my={6}
        aria-label={t('preflight.spam.title')}
      />
      {rules.map((rule) => (
        <Text key={rule.name} size="sm" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          <span className="mono">{rule.name}</span> {formatNumber(rule.score)} {rule.description}
        </Text>
      ))}
    </>
  );
}

const levels = {
  good: { Icon: IconCheck, color: 'var(--app-good)' },
  plainer: { Icon: IconMinus, color: 'var(--mantine-color-dimmed)' },
  breaks: { Icon: IconAlertTriangle, color: 'var(--app-warn)' },
};

function Programs({ report }: { report: PreflightReport }) {
  const { t } = useTranslation();
  const { support } = report;
  return (
    <Fact name={t('preflight.programs.title')}>
      <Stack gap={2}>
        {supportOf(report).map(({ family, level }) => {
          const { Icon, color } = levels[level];
          return (
            <Group key={family} gap={8} wrap="nowrap">
              <Icon size={16} color={color} aria-hidden style={{ flexShrink: 0 }} />
              <Text size="sm">
                {t(`preflight.programs.${family}`)}: {t(`preflight.programs.level.${level}`)}
              </Text>
            </Group>
          );
        })}
      </Stack>
      <Text size="sm" c="dimmed" mt={4}>
        {t('preflight.programs.source', { source: support.source, date: support.updated })}
        {support.without.length > 0 && ` ${t('preflight.programs.without', { names: formatList(support.without) })}`}
      </Text>
    </Fact>
  );
}

const linkTone = {
  ok: 'good',
  redirected: 'info',
  broken: 'bad',
  unsure: 'warn',
  own: 'quiet',
  unchecked: 'quiet',
} as const;

/** Every link of the first sample, with what its server said. */
export function ReportLinks({ links }: { links: LinkState[] }) {
  const { t } = useTranslation();
  if (links.length === 0) return null;
  const columns: Column<LinkState>[] = [
    {
      key: 'url',
      header: t('preflight.links.address'),
      width: '55%',
      render: (link) => (
        <div style={{ overflowWrap: 'anywhere', minWidth: 0 }}>
          <span className="mono">{link.url}</span>
          {link.text && (
            <Text size="sm" c="dimmed" lineClamp={1}>
              {link.text}
            </Text>
          )}
        </div>
      ),
    },
    {
      key: 'state',
      header: t('common.status'),
      nowrap: true,
      render: (link) => (
        <StatusBadge tone={linkTone[link.state]}>{t(`preflight.links.state.${link.state}`)}</StatusBadge>
      ),
    },
    {
      key: 'note',
      header: t('preflight.links.answer'),
      render: (link) => [link.status || '', link.note].filter(Boolean).join(' ') || '–',
    },
  ];
  return (
    <Section title={t('preflight.links.title')} description={t('preflight.links.text')} flush>
      <DataTable
        label={t('preflight.links.title')}
        columns={columns}
        rows={links}
        rowKey={(link) => `${link.line} ${link.url} ${link.text}`}
      />
    </Section>
  );
}
