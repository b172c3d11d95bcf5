// What a colour means, the same everywhere.
export type Tone = 'good' | 'warn' | 'bad' | 'info' | 'quiet';
