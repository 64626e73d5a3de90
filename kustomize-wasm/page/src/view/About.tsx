import { version } from 'kustomize-wasm/package.json';

const REPOSITORY = 'https://github.com/kustomize-rs/kustomize-rs';

/** What this is, which version, and where to find out more. */
export function About() {
  const link = (label: string, href: string) => (
    <a href={href} target="_blank" rel="noreferrer">
      {label}
    </a>
  );
  return (
    <footer class="about">
      <p>Drop a folder or a zip anywhere. Nothing leaves your browser.</p>
      <p class="links">
        {link('Docs', `${REPOSITORY}#readme`)}
        {link('Repository', REPOSITORY)}
        {link(`Version ${version}`, `${REPOSITORY}/blob/main/CHANGELOG.md`)}
      </p>
      <p>Not affiliated with the kustomize project.</p>
    </footer>
  );
}
