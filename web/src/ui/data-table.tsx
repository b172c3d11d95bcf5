import { Table, Tooltip } from '@mantine/core';
import type { MouseEvent, ReactNode } from 'react';
import classes from './data-table.module.css';

export type Column<T> = {
  key: string;
  /** Empty for a column of buttons. */
  header: string;
  /** Explains the header to whoever points at it or reaches it by keyboard. */
  hint?: string;
  render: (row: T) => ReactNode;
  align?: 'end';
  nowrap?: boolean;
  width?: number | string;
};

type Props<T> = {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string | number;
  /** Only a convenience for the mouse: the row must also hold a link or button that does the same. */
  onRowClick?: (row: T) => void;
};

/** A table that turns into cards on a phone and never makes the page itself scroll sideways. */
export function DataTable<T>({ label, columns, rows, rowKey, onRowClick }: Props<T>) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={classes.scroll} tabIndex={0} aria-label={label}>
      <Table className={classes.table} aria-label={label} role="table">
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {columns.map((column) => (
              <Table.Th
                key={column.key}
                w={column.width}
                className={column.align && classes[column.align]}
                role="columnheader"
              >
                <Header column={column} />
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows.map((row) => (
            <Table.Tr
              key={rowKey(row)}
              role="row"
              data-clickable={onRowClick ? true : undefined}
              onClick={onRowClick && ((event: MouseEvent) => isPlain(event) && onRowClick(row))}
            >
              {columns.map((column, index) => (
                <Table.Td
                  key={column.key}
                  role="cell"
                  data-label={column.header}
                  data-lead={index === 0 ? true : undefined}
                  className={[column.align && classes[column.align], column.nowrap && classes.nowrap]
                    .filter(Boolean)
                    .join(' ')}
                >
                  {column.render(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}

function Header<T>({ column }: { column: Column<T> }) {
  if (!column.hint) return column.header;
  return (
    <Tooltip label={column.hint} multiline maw={280} events={{ hover: true, focus: true, touch: true }}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the explanation must be reachable by keyboard */}
      <span tabIndex={0} className={classes.hint}>
        {column.header}
      </span>
    </Tooltip>
  );
}

// A click on a control inside the row is meant for the control.
function isPlain(event: MouseEvent): boolean {
  return !(event.target as Element).closest('a, button, input, label, [role="menuitem"]');
}
