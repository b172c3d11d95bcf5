import { useComputedColorScheme } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatCompact, formatNumber } from '@/lib/format';
import { useTimeZone } from '@/lib/time-zone';
import classes from './time-chart.module.css';

export type ChartSeries = { label: string; color: ChartColor; values: number[] };
export type ChartColor = 'sent' | 'opens' | 'clicks' | 'bounced' | 'deferred';

const palette: Record<ChartColor, { light: string; dark: string }> = {
  sent: { light: '#3b5bdb', dark: '#8ea4ff' },
  opens: { light: '#0c8f6a', dark: '#4fcf9f' },
  clicks: { light: '#b35c00', dark: '#f2b45c' },
  bounced: { light: '#c92a2a', dark: '#ff8a80' },
  deferred: { light: '#6b7280', dark: '#a0a7b4' },
};

type Props = {
  times: number[];
  series: ChartSeries[];
  label: string;
  unit: 'day' | 'minute';
  timeName: string;
  height?: number;
};

const DAY = 86_400;
const MINUTE = 60;

// A few moments have next to no extent: they are shown in the middle of a span that fits the unit.
function extent(times: number[], unit: Props['unit']): [number, number] {
  const from = times[0] ?? 0;
  const to = times.at(-1) ?? from;
  const pad = Math.max(0, (unit === 'day' ? 4 * DAY : 6 * MINUTE) - (to - from)) / 2;
  return [from - pad, to + pad];
}

// Ticks no closer than the data, and such that a label never stands twice.
const tickSteps: Record<Props['unit'], number[]> = {
  day: [1, 2, 5, 7, 14, 30].map((days) => days * DAY),
  minute: [1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440, 2880, 7200].map((minutes) => minutes * MINUTE),
};

/** Counts over time. times are Unix seconds. label says in words what the picture shows. */
export function TimeChart({ times, series, label, unit, timeName, height = 240 }: Props) {
  const { ref: box, width } = useElementSize();
  const host = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  const timeZone = useTimeZone();
  useEffect(() => {
    if (!host.current || width < 50) return;
    const axis = {
      stroke: scheme === 'dark' ? '#a0a7b4' : '#596172',
      grid: { stroke: scheme === 'dark' ? '#2b2f38' : '#eceef2', width: 1 },
      ticks: { show: false },
      font: '12px "Inter Variable", system-ui, sans-serif',
    };
    const time = new Intl.DateTimeFormat(undefined, {
      timeZone,
      ...(unit === 'day' ? { dateStyle: 'medium' } : { dateStyle: 'medium', timeStyle: 'short' }),
    });
    const tick = new Intl.DateTimeFormat(undefined, {
      timeZone,
      ...(unit === 'day'
        ? { day: 'numeric', month: 'short' }
        : { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }),
    });
    const zoned = timeZone ? { tzDate: (seconds: number) => uPlot.tzDate(new Date(seconds * 1000), timeZone) } : {};
    const plot = new uPlot(
      {
        width,
        height,
        ...zoned,
        cursor: { points: { size: 7 }, y: false },
        scales: {
          x: { range: () => extent(times, unit) },
          y: { range: (_, __, max) => [0, Math.max(4, max * 1.08)] },
        },
        axes: [
          {
            ...axis,
            space: 64,
            incrs: tickSteps[unit],
            values: (_, ticks) => ticks.map((at) => tick.format(at * 1000)),
          },
          { ...axis, size: 52, values: (_, counts) => counts.map((count) => formatCompact(count)) },
        ],
        series: [
          { label: timeName, value: (_, at) => (at == null ? '' : time.format(at * 1000)) },
          ...series.map((one) => ({
            label: one.label,
            stroke: palette[one.color][scheme],
            fill: `${palette[one.color][scheme]}14`,
            width: 2,
            points: { show: times.length < 3 },
            value: (_: uPlot, count: number | null) => (count == null ? '' : formatNumber(count)),
          })),
        ],
      },
      [times, ...series.map((one) => one.values)],
      host.current,
    );
    return () => plot.destroy();
  }, [times, series, width, height, scheme, timeZone, unit, timeName]);
  return (
    <figure ref={box} className={classes.figure}>
      <div ref={host} role="img" aria-label={label} style={{ minHeight: height }} />
    </figure>
  );
}
