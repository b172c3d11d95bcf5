import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './bar-list.module.css';

type Item = { key: string | number; label: ReactNode; value: number; text: string };

/** A ranking as bars: what is clicked most stands first and is longest. */
export function BarList({ items, label }: { items: Item[]; label: string }) {
  const top = Math.max(1, ...items.map((item) => item.value));
  return (
    <ul className={classes.list} aria-label={label}>
      {items.map((item) => (
        <li key={item.key} className={classes.row}>
          <div className={classes.fill} style={{ width: `${(item.value / top) * 100}%` }} />
          <div className={classes.label}>{item.label}</div>
          <Text className={`${classes.value} tabular`} size="sm">
            {item.text}
          </Text>
        </li>
      ))}
    </ul>
  );
}
