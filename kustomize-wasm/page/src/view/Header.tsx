import { useRef } from 'preact/hooks';

import { fromPicker } from '../files/open';
import { pack } from '../files/zip';
import { choose, error, files, openWith, overlay, rendered, setView, share, showDemo, view } from '../state';
import { theme, toggleTheme } from '../theme';
import { OverlaySelect } from './Compare';
import { Icon } from './Icon';
import { Menu } from './Menu';
import { toast } from './toasts';

export function Header() {
  const folder = useRef<HTMLInputElement>(null);
  const zip = useRef<HTMLInputElement>(null);
  const onPick = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    if (input.files?.length) {
      // A copy: the list is the input's own, which is emptied below.
      void openWith(fromPicker([...input.files]));
    }
    input.value = '';
  };
  const compare = view.value === 'compare';
  return (
    <header class="top">
      <h1>
        <img src="./icon.svg" alt="" width="26" height="26" />
        <span>Overlay Workbench</span>
      </h1>
      {!compare && <OverlaySelect label="Overlay" value={overlay.value} onChoose={choose} />}
      <div class="segments" role="group" aria-label="View">
        <button aria-pressed={!compare} onClick={() => setView('edit')}>
          Edit
        </button>
        <button aria-pressed={compare} onClick={() => setView('compare')}>
          Compare
        </button>
      </div>
      <div class="actions">
        <Menu label="Open" icon="folder">
          <button role="menuitem" onClick={() => folder.current?.click()}>
            <Icon name="folder" /> Folder…
          </button>
          <button role="menuitem" onClick={() => zip.current?.click()}>
            <Icon name="zip" /> Zip…
          </button>
          <button role="menuitem" onClick={showDemo}>
            <Icon name="spark" /> The demo
          </button>
        </Menu>
        <Menu label="Download" icon="download">
          <button role="menuitem" disabled={!rendered.value || !!error.value} onClick={downloadResult}>
            <Icon name="file" /> Rendered YAML
          </button>
          <button role="menuitem" onClick={downloadFiles}>
            <Icon name="zip" /> All files as a zip
          </button>
        </Menu>
        <button class="button" onClick={() => void share()} title="Copy a link that holds these files" aria-label="Share">
          <Icon name="share" /> <span class="wide">Share</span>
        </button>
        <button
          class="button ghost"
          onClick={toggleTheme}
          title={theme.value === 'dark' ? 'Light colours' : 'Dark colours'}
          aria-label={theme.value === 'dark' ? 'Light colours' : 'Dark colours'}
        >
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
        </button>
      </div>
      <input ref={folder} class="picker" type="file" data-testid="folder" tabIndex={-1} aria-hidden="true" onChange={onPick} {...{ webkitdirectory: true }} />
      <input ref={zip} class="picker" type="file" data-testid="zip" tabIndex={-1} aria-hidden="true" onChange={onPick} accept=".zip,application/zip" />
    </header>
  );
}

function downloadResult(): void {
  const name = overlay.value.split('/').at(-1) || 'rendered';
  download(`${name === '.' ? 'rendered' : name}.yaml`, rendered.value?.yaml ?? '', 'application/yaml');
}

function downloadFiles(): void {
  download('kustomization.zip', pack(files.value), 'application/zip');
}

function download(name: string, content: BlobPart, type: string): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
  toast(`Saved ${name}`);
}
