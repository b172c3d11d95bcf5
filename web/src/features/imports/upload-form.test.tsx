import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect, it, vi } from 'vitest';
import { lists, uploaded } from '@/test/fixtures';
import { renderPart } from '@/test/render';
import { UploadForm } from './upload-form';

/** A request that stays under way until it is told how it ended. */
class FakeRequest {
  static last: FakeRequest | null = null;
  upload: { onprogress?: (event: object) => void } = {};
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  status = 0;
  responseText = '';
  form: FormData | null = null;
  open() {}
  abort() {
    this.onabort?.();
  }
  send(form: FormData) {
    this.form = form;
    FakeRequest.last = this;
  }
  answer(status: number, body: unknown) {
    this.status = status;
    this.responseText = JSON.stringify(body);
    this.onload?.();
  }
}

beforeEach(() => {
  FakeRequest.last = null;
  vi.stubGlobal('XMLHttpRequest', FakeRequest);
});

const csv = new File(['Email\nada@example.org\n'], 'people.csv', { type: 'text/csv' });

async function begin(file = csv) {
  const view = renderPart(<UploadForm lists={lists} />);
  await userEvent.upload(await screen.findByLabelText('Drop a file here, or press to choose one'), file, {
    applyAccept: false,
  });
  await userEvent.click(screen.getByRole('button', { name: 'Upload' }));
  return view;
}

async function request() {
  await waitFor(() => expect(FakeRequest.last).not.toBeNull());
  return FakeRequest.last as FakeRequest;
}

it('sends the list before the file, and shows how far it is', async () => {
  await begin();
  const sent = await request();
  expect([...(sent.form?.keys() ?? [])]).toEqual(['list_id', 'file']);
  sent.upload.onprogress?.({ lengthComputable: true, loaded: 500, total: 1000 });
  expect(await screen.findByText('Uploading, 50%')).toBeInTheDocument();
  expect(screen.getByText(/500 bytes of 1 kB/)).toBeInTheDocument();
  sent.answer(201, uploaded);
});

it('stops on request and keeps the file', async () => {
  await begin();
  await request();
  await userEvent.click(await screen.findByRole('button', { name: 'Stop' }));
  expect(await screen.findByRole('button', { name: 'Upload' })).toBeInTheDocument();
  expect(screen.getByText('people.csv')).toBeInTheDocument();
  expect(screen.queryByRole('alert')).not.toBeInTheDocument();
});

it('says what to do when the connection broke', async () => {
  await begin();
  (await request()).onerror?.();
  expect(await screen.findByRole('alert')).toHaveTextContent('your file is still chosen');
});

it('shows what the server says of a file', async () => {
  await begin();
  (await request()).answer(422, { status: 422, detail: 'the sheet is protected by a password: save it without one' });
  expect(await screen.findByRole('alert')).toHaveTextContent('protected by a password');
});

it('refuses what cannot be read before sending it, with the way out', async () => {
  await begin(new File(['x'], 'people.xls'));
  expect(screen.getByText(/Save as → Excel Workbook/)).toBeInTheDocument();
  expect(FakeRequest.last).toBeNull();
});

it('sends pasted addresses as a file into a new list', async () => {
  const { fake } = renderPart(<UploadForm lists={lists} />);
  await userEvent.click(await screen.findByText('Paste'));
  await userEvent.type(screen.getByLabelText('Addresses or rows'), 'ada@example.org');
  expect(screen.getByText('1 address')).toBeInTheDocument();
  await userEvent.click(screen.getByText('New list'));
  await userEvent.type(screen.getByRole('textbox', { name: /Name of the new list/ }), 'Friends');
  await userEvent.click(screen.getByRole('button', { name: 'Upload' }));
  const sent = await request();
  expect(fake.requests.find((one) => one.method === 'POST')).toMatchObject({
    path: '/lists',
    body: { name: 'Friends' },
  });
  expect(sent.form?.get('list_id')).toBe('3');
  expect(await (sent.form?.get('file') as File | undefined)?.text()).toBe('Email\nada@example.org');
});
