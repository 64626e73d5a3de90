import { render } from 'preact';

import './style.css';
import { start } from './state';
import { App } from './view/App';

start();
render(<App />, document.getElementById('app') as HTMLElement);

if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  // Without it the page works all the same, but not offline.
  navigator.serviceWorker.register('./service-worker.js').catch(() => undefined);
}
