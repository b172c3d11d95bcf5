import { createContext, useContext } from 'react';

// The zone of the organisation, in which every time of the interface is shown; undefined means the browser's own.
const TimeZone = createContext<string | undefined>(undefined);

export const TimeZoneProvider = TimeZone.Provider;

export function useTimeZone(): string | undefined {
  return useContext(TimeZone);
}
