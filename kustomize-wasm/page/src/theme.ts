// Light or dark: as the system says, until somebody says otherwise.
import { effect, signal } from '@preact/signals';

type Theme = 'light' | 'dark';
const KEY = 'kustomize-theme';
const dark = matchMedia('(prefers-color-scheme: dark)');

function chosen(): Theme | undefined {
  try {
    const value = localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : undefined;
  } catch {
    return undefined;
  }
}

const system = (): Theme => (dark.matches ? 'dark' : 'light');

export const theme = signal<Theme>(chosen() ?? system());

dark.addEventListener('change', () => {
  theme.value = chosen() ?? system();
});

effect(() => {
  document.documentElement.dataset['theme'] = theme.value;
});

export function toggleTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark';
  try {
    localStorage.setItem(KEY, theme.value);
  } catch {
    // Then it holds for this visit.
  }
}
