import { MergeView } from '@codemirror/merge';
import { effect } from '@preact/signals';
import type { FieldChange, ResourceChange, ResourceName } from 'kustomize-wasm';
import { useEffect, useRef } from 'preact/hooks';

import { reading, shadow } from '../editor/setup';
import { type Role, shortNames } from '../kustomizations';
import { compareWith, count, difference, other, overlay, overlays, problems, roles, sides, swapSides, choose } from '../state';
import { Icon } from './Icon';
import { Entry } from './Problems';

/** Two overlays side by side, and what differs by resource and field. */
export function Compare() {
  const compared = difference.value;
  return (
    <section class="pane compare" aria-label="Comparison">
      <header class="pane-head compare-head">
        <OverlaySelect label="Old" value={other.value} onChoose={compareWith} />
        <button class="button ghost" title="Swap both sides" aria-label="Swap both sides" onClick={swapSides}>
          <Icon name="swap" />
        </button>
        <OverlaySelect label="New" value={overlay.value} onChoose={choose} />
      </header>
      {compared && 'error' in compared ? (
        <div class="failure" role="alert">
          {problems.value.map((problem, at) => (
            <Entry key={at} problem={problem} />
          ))}
        </div>
      ) : (
        <div class="compare-body">
          <div class="changes" role="region" aria-label="Differences by resource" tabIndex={0}>
            {compared && <Changes changes={compared.ok.resources} reordered={compared.ok.reordered} />}
          </div>
          <SideBySide />
        </div>
      )}
    </section>
  );
}

const GROUPS: [Role, string][] = [
  ['overlay', 'Overlays'],
  ['base', 'Bases'],
  ['component', 'Components'],
];

/** A list of what can be rendered: overlays first, bases and components apart from them. */
export function OverlaySelect(props: { label: string; value: string; onChoose: (path: string) => void }) {
  const { label, value, onChoose } = props;
  const names = shortNames(overlays.value);
  const all = GROUPS.map(([role, title]) => [role, title, overlays.value.filter((path) => roles.value.get(path) === role)] as const);
  const groups = all.filter(([, , paths]) => paths.length > 0);
  return (
    <label class="select" title={value}>
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)} disabled={overlays.value.length === 0}>
        {groups.map(([role, title, paths]) => (
          <optgroup key={role} label={title}>
            {paths.map((path) => (
              <option key={path} value={path}>
                {names.get(path)}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
      <Icon name="chevron" />
    </label>
  );
}

function Changes({ changes, reordered }: { changes: ResourceChange[]; reordered: boolean }) {
  if (changes.length === 0) {
    return (
      <p class="empty">
        <Icon name="check" /> {reordered ? 'The same resources, in another order.' : 'Both render to the same.'}
      </p>
    );
  }
  const number = (what: string) => changes.filter(({ change }) => change === what).length;
  const parts = ['changed', 'added', 'removed'].filter((what) => number(what) > 0);
  return (
    <>
      <p class="summary">
        {count(changes.length, 'resource')}: {parts.map((what) => `${number(what)} ${what}`).join(', ')}
      </p>
      {changes.slice(0, 500).map((change, at) => (
        <article key={at} class={`change ${change.change}`}>
          <h3>
            <span class="badge">{change.change}</span>
            <span class="kind">{change.resource.kind}</span> <Name name={change.resource} />
          </h3>
          {change.change === 'changed' && change.was && <p class="was">was {label(change.was)}</p>}
          {change.change === 'changed' && <Fields fields={change.fields} />}
        </article>
      ))}
    </>
  );
}

function Name({ name }: { name: ResourceName }) {
  return (
    <span class="name">
      {name.namespace && <i>{name.namespace}/</i>}
      {name.name}
    </span>
  );
}

function label(name: ResourceName): string {
  return `${name.kind} ${name.namespace ? `${name.namespace}/` : ''}${name.name}`;
}

function Fields({ fields }: { fields: FieldChange[] }) {
  return (
    <dl class="fields">
      {fields.slice(0, 200).map(({ path, old, new: now }) => (
        <div key={path}>
          <dt>{path}</dt>
          <dd>
            {old !== null && <del>{shown(old)}</del>}
            {old !== null && now !== null && <span class="arrow"> → </span>}
            {now !== null && <ins>{shown(now)}</ins>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 1);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

function SideBySide() {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const root = shadow(host.current as HTMLDivElement);
    let view: MergeView | undefined;
    const stop = effect(() => {
      const [left, right] = sides.value;
      view?.destroy();
      view = new MergeView({
        parent: root,
        root,
        a: { doc: left, extensions: reading(`Old: ${other.peek()}`) },
        b: { doc: right, extensions: reading(`New: ${overlay.peek()}`) },
        collapseUnchanged: { margin: 3, minSize: 6 },
        gutter: true,
      });
    });
    return () => {
      stop();
      view?.destroy();
    };
  }, []);
  return <div class="code merge" ref={host} />;
}
