// Makes campaigns/preflight/support.json of the support tables of caniemail.com, as the npm package caniemail (MIT) carries them:
//   node scripts/mail-support.mjs path/to/package > campaigns/preflight/support.json
// What is taken: features whose loss a reader sees, and the clients that docs/preflight.md names. "breaks" marks those without which a mail falls apart or cannot be read.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const dir = process.argv[2]
if (!dir) {
  console.error('usage: node scripts/mail-support.mjs path/to/package')
  process.exit(2)
}
const pack = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
const data = JSON.parse(readFileSync(join(dir, 'data/caniemail.json'), 'utf8'))

const families = {
  outlook: ['windows', 'macos', 'outlook-com', 'ios', 'android'],
  gmail: ['desktop-webmail', 'mobile-webmail', 'ios', 'android'],
  'apple-mail': ['macos', 'ios'],
  thunderbird: ['windows', 'macos'],
  'mail-ru': ['desktop-webmail'],
}

// feature: how it is recognised. property (with a value: only with one of these words), function, unit, at-rule, pseudo, element (with an attribute), image (extension), nesting.
const property = (name, ...values) => ({ kind: 'property', names: [].concat(name), values })
const fn = (...names) => ({ kind: 'function', names })
const unit = (...names) => ({ kind: 'unit', names })
const at = (...names) => ({ kind: 'at', names })
const pseudo = (...names) => ({ kind: 'pseudo', names })
const element = (...names) => ({ kind: 'element', names })
const image = (...names) => ({ kind: 'image', names })
const breaks = {
  'css-display-flex': property('display', 'flex', 'inline-flex'),
  'css-display-grid': property('display', 'grid', 'inline-grid'),
  'css-grid-template': property(['grid-template', 'grid-template-columns', 'grid-template-rows', 'grid-template-areas']),
  'css-position': property('position', 'absolute', 'fixed', 'sticky'),
  'css-variables': fn('var'),
  'css-nesting': { kind: 'nesting', names: [] },
  'css-function-clamp': fn('clamp'),
  'css-function-light-dark': fn('light-dark'),
  'css-writing-mode': property('writing-mode'),
  'html-audio': element('audio'),
  'html-video': element('video'),
  'html-form': element('form'),
  'html-input-text': element('input'),
  'html-select': element('select'),
  'html-textarea': element('textarea'),
  'html-button-submit': element('button'),
  'html-svg': element('svg'),
  'html-object': element('object'),
  'html-dialog': element('dialog'),
  'html-base': element('base'),
  'html-meter': element('meter'),
  'html-progress': element('progress'),
  'image-avif': image('avif'),
  'image-heif': image('heif', 'heic'),
  'image-svg': image('svg'),
  'image-tiff': image('tif', 'tiff'),
  'image-mp4': image('mp4'),
}
const visible = {
  'css-animation': property(['animation', 'animation-name']),
  'css-aspect-ratio': property('aspect-ratio'),
  'css-at-import': at('import'),
  'css-at-font-face': at('font-face'),
  'css-background-image': property(['background-image', 'background'], 'url('),
  'css-background-size': property('background-size'),
  'css-backdrop-filter': property('backdrop-filter'),
  'css-border-image': property('border-image'),
  'css-border-radius': property(['border-radius', 'border-top-left-radius', 'border-top-right-radius', 'border-bottom-left-radius', 'border-bottom-right-radius']),
  'css-box-shadow': property('box-shadow'),
  'css-clip-path': property('clip-path'),
  'css-column-count': property(['column-count', 'columns']),
  'css-conic-gradient': fn('conic-gradient'),
  'css-filter': property('filter'),
  'css-float': property('float'),
  'css-function-max': fn('max'),
  'css-function-min': fn('min'),
  'css-gap': property(['gap', 'row-gap', 'column-gap']),
  'css-justify-content': property('justify-content'),
  'css-left-right-top-bottom': property(['left', 'right', 'top', 'bottom']),
  'css-linear-gradient': fn('linear-gradient'),
  'css-list-style-image': property('list-style-image'),
  'css-mask-image': property('mask-image'),
  'css-max-width': property('max-width'),
  'css-mix-blend-mode': property('mix-blend-mode'),
  'css-object-fit': property('object-fit'),
  'css-opacity': property('opacity'),
  'css-pseudo-element-after': pseudo('after'),
  'css-pseudo-element-before': pseudo('before'),
  'css-radial-gradient': fn('radial-gradient'),
  'css-text-shadow': property('text-shadow'),
  'css-transform': property('transform'),
  'css-unit-calc': fn('calc'),
  'css-unit-vh': unit('vh'),
  'css-unit-vw': unit('vw'),
  'css-visibility': property('visibility', 'hidden', 'collapse'),
  'html-image-maps': element('map'),
  'html-link': { kind: 'element', names: ['link'], attr: { rel: 'stylesheet' } },
  'html-marquee': element('marquee'),
  'image-apng': image('apng'),
  'image-webp': image('webp'),
}

function latest(versions) {
  const all = Object.entries(versions)
  return all[all.length - 1][1]
}

// y, n, a (in part) or u, with the notes that the number signs stand for.
function support(feature, family, platform) {
  const versions = feature.stats[family]?.[platform]
  if (!versions) return null
  const [code, ...marks] = latest(versions).split(/\s+/)
  const notes = marks.map((m) => feature.notes_by_num?.[m.replace('#', '')]).filter(Boolean)
  return notes.length ? { s: code, note: notes.join(' ').replace(/\s+/g, ' ').trim() } : { s: code }
}

const features = []
for (const [impact, table] of Object.entries({ breaks, visible })) {
  for (const [slug, match] of Object.entries(table)) {
    const f = data.data.find((x) => x.slug === slug)
    if (!f) throw new Error(`the tables have no ${slug}`)
    const clients = {}
    for (const [family, platforms] of Object.entries(families)) {
      for (const platform of platforms) {
        const s = support(f, family, platform)
        if (s && s.s !== 'y' && s.s !== 'u') clients[`${family}/${platform}`] = s
      }
    }
    features.push({ slug, title: f.title, url: f.url, impact, match, clients })
  }
}
features.sort((a, b) => (a.slug < b.slug ? -1 : 1))
const head = {
  source: 'https://www.caniemail.com, by the npm package caniemail ' + pack.version,
  licence: 'MIT (LICENSE of the package: Copyright (c) Avi Goldman, Copyright (c) Andrew Powell)',
  updated: data.last_update_date.slice(0, 10),
  families: Object.fromEntries(Object.keys(families).map((f) => [f, data.nicenames.family[f]])),
}
const rows = features.map((f) => JSON.stringify(f)).join(',\n')
console.log(JSON.stringify(head).slice(0, -1) + ',"features":[\n' + rows + '\n]}')
