import type { Campaign, CampaignInput } from '@/api/types';

/** The part of a campaign that its form edits. */
export function inputOf(campaign: Campaign): CampaignInput {
  return {
    name: campaign.name,
    subject: campaign.subject,
    preheader: campaign.preheader,
    from_name: campaign.from_name,
    from_email: campaign.from_email,
    reply_to: campaign.reply_to,
    kind: campaign.kind,
    layout_id: campaign.layout_id,
    inline_css: campaign.inline_css,
    html: campaign.html,
    text: campaign.text,
    template_id: campaign.template_id,
    relay_id: campaign.relay_id,
    relay_ids: campaign.relay_ids,
    list_ids: campaign.list_ids,
    segment_ids: campaign.segment_ids,
    exclude_segment_ids: campaign.exclude_segment_ids,
    exclude_list_ids: campaign.exclude_list_ids,
    ignore_frequency_cap: campaign.ignore_frequency_cap,
    track_opens: campaign.track_opens,
    track_clicks: campaign.track_clicks,
    unconfirmed_policy: campaign.unconfirmed_policy,
    expires_after_hours: campaign.expires_after_hours,
    max_bounce_percent: campaign.max_bounce_percent,
    max_complaint_percent: campaign.max_complaint_percent,
    window: campaign.window,
    local_time: campaign.local_time,
    ab_test: testOf(campaign),
  };
}

/** What is chosen about an A/B test, without where it stands. */
function testOf({ ab_test: test }: Campaign): CampaignInput['ab_test'] {
  return (
    test && {
      variants: test.variants,
      sample_percent: test.sample_percent,
      metric: test.metric,
      wait_minutes: test.wait_minutes,
      min_sample: test.min_sample,
      no_winner: test.no_winner,
    }
  );
}
