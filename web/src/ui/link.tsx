import { Anchor, Button } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import type { ComponentProps, Ref } from 'react';

// Mantine's controls as typed links of the router.

type AnchorRef = { ref?: Ref<HTMLAnchorElement> };

export const LinkButton = createLink((props: Omit<ComponentProps<typeof Button<'a'>>, 'component'> & AnchorRef) => (
  <Button component="a" {...props} />
));

export const LinkAnchor = createLink((props: Omit<ComponentProps<typeof Anchor<'a'>>, 'component'> & AnchorRef) => (
  <Anchor component="a" {...props} />
));
