import { signal } from '@preact/signals';

import { Icon } from './Icon';

/** What can be done about what a note says. */
interface Action {
  label: string;
  run(): void;
}

interface Toast {
  id: number;
  text: string;
  kind: 'note' | 'error';
  action?: Action | undefined;
}

const shown = signal<Toast[]>([]);
let next = 0;

/** Says something for a while. With an action it stays until that is taken, it is dismissed, or another comes. */
export function toast(text: string, kind: Toast['kind'] = 'note', action?: Action): void {
  const id = next++;
  const others = action ? shown.value.filter((one) => !one.action) : shown.value;
  shown.value = [...others, { id, text, kind, action }];
  if (!action) {
    setTimeout(() => dismiss(id), 4000);
  }
}

function dismiss(id: number): void {
  shown.value = shown.value.filter((one) => one.id !== id);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.value.map(({ id, text, kind, action }) => (
        <div key={id} class={`toast ${kind}`}>
          <span>{text}</span>
          {action && (
            <>
              <button
                class="toast-action"
                onClick={() => {
                  dismiss(id);
                  action.run();
                }}
              >
                {action.label}
              </button>
              <button class="toast-close" aria-label="Dismiss" onClick={() => dismiss(id)}>
                <Icon name="close" />
              </button>
            </>
          )}
        </div>
      ))}
    </div>
  );
}
