import { expect, it } from 'vitest';
import { newRelay, submitted, withTls } from './relay-form';

it('changes a usual port with the encryption, and leaves an unusual one alone', () => {
  expect(withTls(newRelay, 'implicit')).toEqual({ tls: 'implicit', port: 465 });
  expect(withTls({ ...newRelay, port: 2525 }, 'implicit')).toEqual({ tls: 'implicit', port: 2525 });
});

it('does not send an empty password, which would overwrite the stored one', () => {
  expect(submitted(newRelay)).not.toHaveProperty('password');
  expect(submitted({ ...newRelay, password: 'secret' })).toHaveProperty('password', 'secret');
});
