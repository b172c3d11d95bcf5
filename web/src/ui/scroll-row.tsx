import { Tabs, type TabsListProps } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { moreBeside } from './more-beside';
import classes from './scroll-row.module.css';

const CHOSEN = '[role="tab"][aria-selected="true"], input:checked + label';

/** A row of choices that scrolls sideways where it does not fit: it fades out where something is cut off, and what is chosen is in sight. */
export function ScrollRow({ children, chosen }: { children: ReactNode; chosen?: string | null | undefined }) {
  const row = useRef<HTMLDivElement>(null);
  const [more, setMore] = useState<ReturnType<typeof moreBeside>>();
  useEffect(() => {
    const element = row.current;
    if (!element) return;
    const look = () => setMore(moreBeside(element));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    if (element.firstElementChild) observer.observe(element.firstElementChild);
    element.addEventListener('scroll', look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', look);
    };
  }, []);
  useEffect(() => {
    const element = row.current;
    const one = element?.querySelector<HTMLElement>(CHOSEN);
    if (!element || !one) return;
    const [box, shown] = [one.getBoundingClientRect(), element.getBoundingClientRect()];
    if (box.left < shown.left || box.right > shown.right) {
      element.scrollLeft += box.left - shown.left - (shown.width - box.width) / 2;
    }
  }, [chosen]);
  return (
    <div ref={row} className={classes.row} data-more={more}>
      {children}
    </div>
  );
}

/** Tabs on one line, however narrow the page. */
export function TabList({ children, mb = 'md', value, ...props }: TabsListProps & { value: string | null }) {
  return (
    <div style={{ marginBottom: mb ? `var(--mantine-spacing-${String(mb)})` : 0 }}>
      <ScrollRow chosen={value}>
        <Tabs.List className={classes.list} {...props}>
          {children}
        </Tabs.List>
      </ScrollRow>
    </div>
  );
}
