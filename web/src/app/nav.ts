import {
  IconAddressBook,
  IconBan,
  IconBroadcast,
  IconFileImport,
  IconForms,
  IconGauge,
  IconInbox,
  IconLayoutDashboard,
  IconListDetails,
  IconMailbox,
  IconMailFast,
  IconMailX,
  IconNews,
  IconPhoto,
  IconSend,
  IconServer2,
  IconSettings,
  IconTags,
  IconTemplate,
  IconUsersGroup,
  IconWebhook,
  IconWorldCheck,
} from '@tabler/icons-react';

export const nav = [
  {
    group: null,
    items: [
      { to: '/', key: 'overview', icon: IconLayoutDashboard },
      { to: '/campaigns', key: 'campaigns', icon: IconSend },
      { to: '/newsletters', key: 'newsletters', icon: IconNews },
      { to: '/templates', key: 'templates', icon: IconTemplate },
      { to: '/messages', key: 'messages', icon: IconMailFast },
      { to: '/media', key: 'media', icon: IconPhoto },
      { to: '/bounces', key: 'bounces', icon: IconMailX },
    ],
  },
  {
    group: 'audience',
    items: [
      { to: '/lists', key: 'lists', icon: IconListDetails },
      { to: '/segments', key: 'segments', icon: IconUsersGroup },
      { to: '/subscribers', key: 'subscribers', icon: IconAddressBook },
      { to: '/fields', key: 'fields', icon: IconTags },
      { to: '/forms', key: 'forms', icon: IconForms },
      { to: '/imports', key: 'imports', icon: IconFileImport },
      { to: '/suppressions', key: 'suppressions', icon: IconBan },
    ],
  },
  {
    group: 'sending',
    items: [
      { to: '/relays', key: 'relays', icon: IconServer2 },
      { to: '/mailboxes', key: 'mailboxes', icon: IconMailbox },
      { to: '/site-limits', key: 'siteLimits', icon: IconGauge },
      { to: '/provider-webhooks', key: 'providerWebhooks', icon: IconWebhook },
      { to: '/domains', key: 'domains', icon: IconWorldCheck },
      { to: '/inbox', key: 'inbox', icon: IconInbox },
    ],
  },
  {
    group: null,
    items: [
      { to: '/webhooks', key: 'webhooks', icon: IconBroadcast },
      { to: '/settings', key: 'settings', icon: IconSettings },
    ],
  },
] as const;
