import { NumberInput, type NumberInputProps } from '@mantine/core';
import { useState } from 'react';

interface Props extends Omit<NumberInputProps, 'value' | 'onChange'> {
  value: number;
  onChange: (value: number) => void;
  /** What counts as a number here; left out: from 1. */
  valid?: (value: number) => boolean;
}

const fromOne = (value: number) => value >= 1;

/** A number that there must be. While somebody types, the field shows just that, also nothing; only numbers are taken, and leaving it shows the one that holds. */
export function NumberField({ value, onChange, valid = fromOne, onFocus, onBlur, ...props }: Props) {
  const [typed, setTyped] = useState<string | number | null>(null);
  const [typing, setTyping] = useState(false);
  return (
    <NumberInput
      {...props}
      value={typing && typed !== null ? typed : value}
      onChange={(next) => {
        setTyped(next);
        if (typeof next === 'number' && valid(next)) onChange(next);
      }}
      onFocus={(event) => {
        setTyped(null);
        setTyping(true);
        onFocus?.(event);
      }}
      onBlur={(event) => {
        setTyping(false);
        onBlur?.(event);
      }}
    />
  );
}
