import { Text } from '@mantine/core';
import { NONE } from '@/lib/format';

type Props = { code: number | null; status: string | null; text: string | null; full?: boolean };

/** A mail server's answer in its own words. */
export function Reply({ code, status, text, full = false }: Props) {
  const words = [code, status, text].filter((part) => part !== null && part !== '').join(' ');
  if (!words) return NONE;
  return (
    <Text
      className="mono"
      component="div"
      title={full ? undefined : words}
      {...(full ? {} : { lineClamp: 1 })}
      style={{ overflowWrap: 'anywhere' }}
    >
      {words}
    </Text>
  );
}
