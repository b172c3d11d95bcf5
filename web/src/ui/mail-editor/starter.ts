/** A small, sound mail to begin with: one column, readable everywhere, with the unsubscribe link that the law asks for. */
export const starterHtml = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Newsletter</title>
  </head>
  <body style="margin:0; background:#f4f5f7; font-family:Arial, Helvetica, sans-serif; color:#1f2430">
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0">
      <tr>
        <td align="center" style="padding:24px 12px">
          <table role="presentation" width="600" cellpadding="0" cellspacing="0" style="max-width:600px; width:100%; background:#ffffff; border-radius:8px">
            <tr>
              <td style="padding:32px; font-size:16px; line-height:1.6">
                <h1 style="margin:0 0 16px; font-size:24px; line-height:1.3">Hello {{ subscriber.name | default: "there" }}</h1>
                <p style="margin:0 0 16px">Write your news here.</p>
                <p style="margin:0"><a href="https://example.com" style="display:inline-block; padding:12px 20px; border-radius:6px; background:#3b5bdb; color:#ffffff; text-decoration:none">Read more</a></p>
              </td>
            </tr>
          </table>
          <p style="margin:16px 0 0; font-size:13px; color:#5b6270">
            <a href="{{ unsubscribe_url }}" style="color:#5b6270">Unsubscribe</a>
          </p>
        </td>
      </tr>
    </table>
  </body>
</html>
`;
