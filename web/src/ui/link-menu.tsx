import { Menu, NavLink } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentProps, Ref } from 'react';

// The links of navigation and menus, apart from those of link.tsx because they bring floating panels with them.

type AnchorRef = { ref?: Ref<HTMLAnchorElement> };

export const LinkNav = createLink((props: Omit<ComponentProps<typeof NavLink<'a'>>, 'component'> & AnchorRef) => (
  <NavLink component="a" {...props} />
));

export const LinkMenuItem = createLink(
  (props: Omit<ComponentProps<typeof Menu.Item<'a'>>, 'component'> & AnchorRef) => (
    <Menu.Item component="a" {...props} />
  ),
);
