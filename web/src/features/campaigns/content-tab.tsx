import { Button, Menu, ScrollArea, Stack } from '@mantine/core';
import type { UseFormReturnType } from '@mantine/form';
import { IconChevronDown, IconTemplate } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { Campaign, CampaignInput } from '@/api/types';
import { templateQuery, templatesQuery } from '@/features/templates/queries';
import { confirmAction } from '@/ui/confirm';
import { MailEditor } from '@/ui/mail-editor/mail-editor';
import { notifyError } from '@/ui/notify';
import { MissingFields } from './missing-fields';

type Props = { form: UseFormReturnType<CampaignInput>; campaign: Campaign; dirty: boolean };

export function ContentTab({ form, campaign, dirty }: Props) {
  const { values } = form;
  return (
    <Stack>
      <MailEditor
        value={{ ...values, inline_css: values.inline_css ?? true }}
        onChange={(change) => form.setValues(change)}
        errors={form.errors}
        campaignId={campaign.id}
        sender={{ from_name: values.from_name, from_email: values.from_email, reply_to: values.reply_to }}
        tools={<TemplatePicker form={form} />}
      />
      <MissingFields campaign={campaign} dirty={dirty} />
    </Stack>
  );
}

function TemplatePicker({ form }: { form: Props['form'] }) {
  const { t } = useTranslation();
  const queryClient = useQueryClient();
  const templates = useQuery(templatesQuery({ role: 'content' }));
  const take = useMutation({
    mutationFn: (id: number) => queryClient.fetchQuery(templateQuery(id)),
    onSuccess: (template) =>
      form.setValues({
        subject: form.getValues().subject || template.subject,
        preheader: form.getValues().preheader || template.preheader,
        kind: template.kind,
        layout_id: template.layout_id,
        inline_css: template.inline_css,
        html: template.html,
        text: template.text,
        template_id: template.id,
      }),
    onError: notifyError,
  });
  const items = templates.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <Menu width={280}>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconTemplate size={15} />}
          rightSection={<IconChevronDown size={14} />}
          loading={take.isPending}
        >
          {t('campaigns.useTemplate')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <ScrollArea.Autosize mah={320}>
          {items.map((template) => (
            <Menu.Item
              key={template.id}
              onClick={() =>
                confirmAction({
                  title: t('campaigns.replaceTitle', { name: template.name }),
                  body: t('campaigns.replaceText'),
                  confirm: t('campaigns.replace'),
                  danger: false,
                  onConfirm: () => take.mutate(template.id),
                })
              }
            >
              {template.name}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  );
}
