import { expect, it } from 'vitest';
import { curlSnippet, dataFields } from './snippet';

const receipt = {
  id: 3,
  subject: 'Order {{ data.order }}',
  preheader: '',
  html: '{% if data.coupon %}{{ data.coupon | upcase }}{% endif %}{% for item in data.items %}{{ item.name }}{% endfor %}{{ data.order }}',
  text: 'the data.words of prose',
};

it('names each field of data that a template reads once, and no words of prose', () => {
  expect(dataFields(receipt)).toEqual(['order', 'coupon', 'items']);
});

it('makes a request that a shell takes as it stands', () => {
  const code = curlSnippet('https://news.example.org', receipt);
  const body = /-d '([^']*)'$/.exec(code)?.[1] ?? '';
  expect(JSON.parse(body)).toMatchObject({ template_id: 3, data: { order: '…', coupon: '…', items: '…' } });
  expect(code).toContain("-H 'Idempotency-Key: order-4711'");
});
