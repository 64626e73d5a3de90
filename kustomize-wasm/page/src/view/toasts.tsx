import { signal } from '@preact/signals';

const shown = signal<{ id: number; text: string; kind: 'note' | 'error' }[]>([]);
let next = 0;

/** Says something for a while. */
export function toast(text: string, kind: 'note' | 'error' = 'note'): void {
  const id = next++;
  shown.value = [...shown.value, { id, text, kind }];
  setTimeout(() => {
    shown.value = shown.value.filter((one) => one.id !== id);
  }, 4000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.value.map(({ id, text, kind }) => (
        <div key={id} class={`toast ${kind}`}>
          {text}
        </div>
      ))}
    </div>
  );
}
