export const ACCEPT =
  '.csv,.tsv,.tab,.txt,.xlsx,.gz,text/csv,text/plain,text/tab-separated-values,application/gzip,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

export type FileProblem = 'empty' | 'oldExcel' | 'openDocument' | 'numbers' | 'archive' | 'other';

const others: [RegExp, FileProblem][] = [
  [/\.xls[bm]?$/i, 'oldExcel'],
  [/\.(ods|fods)$/i, 'openDocument'],
  [/\.numbers$/i, 'numbers'],
  [/\.(zip|7z|rar|tar|tgz|bz2|xz)$/i, 'archive'],
  [/\.(pdf|docx?|odt|rtf|pages|vcf|json|xml|html?|eml|mbox|jpe?g|png)$/i, 'other'],
];

/** What can be told about a file before it is sent. Everything else the server finds out from what is in it. */
export function fileProblem(file: Pick<File, 'name' | 'size'>): FileProblem | null {
  const kind = others.find(([ending]) => ending.test(file.name));
  if (kind) return kind[1];
  return file.size === 0 ? 'empty' : null;
}
