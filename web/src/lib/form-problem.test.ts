import { describe, expect, it, vi } from 'vitest';
import { Problem } from '@/api/problem';
import { applyProblem, placeProblem } from './form-problem';

const form = () => ({ getValues: () => ({ email: '', columns: [] }), setErrors: vi.fn() });

describe('applyProblem', () => {
  it('puts objections at their fields and says nothing more', () => {
    const target = form();
    const problem = new Problem(409, { errors: [{ location: 'body.email', message: 'exists already' }] });
    expect(applyProblem(target, problem)).toBeNull();
    expect(target.setErrors).toHaveBeenCalledWith({ email: 'exists already' });
  });

  it('reaches into arrays', () => {
    const target = form();
    const problem = new Problem(400, { errors: [{ location: 'body.columns[2].target', message: 'unknown' }] });
    applyProblem(target, problem);
    expect(target.setErrors).toHaveBeenCalledWith({ 'columns.2.target': 'unknown' });
  });

  it('tells what has no field in the form', () => {
    const problem = new Problem(400, {
      detail: 'Not ready',
      errors: [{ location: 'body.relay_id', message: 'no relay' }],
    });
    expect(applyProblem(form(), problem)).toBe('Not ready: no relay');
  });
});

describe('placeProblem', () => {
  it('puts objections at their fields, says them above too, and names the first', () => {
    const target = form();
    const problem = new Problem(400, {
      detail: 'Not ready',
      errors: [
        { location: 'body.relay_id', message: 'no relay' },
        { location: 'body.mailing.email', message: 'is no address' },
      ],
    });
    expect(placeProblem(target, problem, (path) => path.replace('mailing.', ''))).toEqual({
      message: 'Not ready: no relay; is no address',
      first: 'email',
    });
    expect(target.setErrors).toHaveBeenCalledWith({ email: 'is no address' });
  });
});
