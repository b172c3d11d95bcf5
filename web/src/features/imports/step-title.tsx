import { Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useRef } from 'react';

type Props = { children: ReactNode; text?: ReactNode; focus: boolean };

/** The heading of a step. It takes the focus when the step came by itself or by a button, so that a screen reader tells what is there now. */
export function StepTitle({ children, text, focus }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const wanted = useRef(focus);
  useEffect(() => {
    if (wanted.current) heading.current?.focus();
  }, []);
  return (
    <div>
      <Title order={2} ref={heading} tabIndex={-1} fz="lg" style={{ outline: 'none' }}>
        {children}
      </Title>
      {text && (
        <Text c="dimmed" component="div" maw={720}>
          {text}
        </Text>
      )}
    </div>
  );
}
