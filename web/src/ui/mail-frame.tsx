type Props = { html: string; title: string; width?: number | string; height: number | string; dark?: boolean };

/**
 * Mail HTML in a frame that can run no script, submit nothing and open nothing. allow-same-origin lets the browser treat the document as
 * ours for rendering; without allow-scripts nothing in it can make use of that.
 */
export function MailFrame({ html, title, width = '100%', height, dark = false }: Props) {
  return (
    <iframe
      title={title}
      sandbox="allow-same-origin"
      srcDoc={html}
      style={{ display: 'block', border: 0, width, maxWidth: '100%', height, background: dark ? '#1c1c1e' : '#fff' }}
    />
  );
}
