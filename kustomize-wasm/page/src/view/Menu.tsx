import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

import { Icon } from './Icon';

/** A button with a menu below it. */
export function Menu(props: { label: string; icon: Parameters<typeof Icon>[0]['name']; children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const items = () => [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])') ?? [])];

  useEffect(() => {
    if (!isOpen) {
      return;
    }
    items()[0]?.focus();
    const away = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) {
        setOpen(false);
      }
    };
    addEventListener('pointerdown', away);
    return () => removeEventListener('pointerdown', away);
  }, [isOpen]);

  const onKeyDown = (event: KeyboardEvent) => {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Escape') {
      setOpen(false);
      root.current?.querySelector('button')?.focus();
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = at + (event.key === 'ArrowDown' ? 1 : -1);
      isOpen ? all.at(next % all.length)?.focus() : setOpen(true);
    } else if (event.key === 'Tab') {
      setOpen(false);
    }
  };

  return (
    <div class="menu" ref={root} onKeyDown={onKeyDown}>
      <button class="button" aria-haspopup="menu" aria-expanded={isOpen} aria-label={props.label} onClick={() => setOpen(!isOpen)}>
        <Icon name={props.icon} /> <span class="wide">{props.label}</span>
      </button>
      {isOpen && (
        <div class="menu-items" role="menu" aria-label={props.label} onClick={() => setOpen(false)}>
          {props.children}
        </div>
      )}
    </div>
  );
}
