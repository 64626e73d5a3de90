import { files, goTo, open, problems, type Problem } from '../state';
import { Icon } from './Icon';

/** Problems that the open file does not show: those of other files, and of none. */
export function Problems() {
  const path = open.value;
  const elsewhere = problems.value.filter((problem) => problem.file !== path || problem.line === undefined);
  if (elsewhere.length === 0) {
    return null;
  }
  return (
    <div class="problems" role="region" aria-label="Problems in other files">
      {elsewhere.slice(0, 50).map((problem, at) => (
        <Entry key={at} problem={problem} />
      ))}
    </div>
  );
}

export function Entry({ problem }: { problem: Problem }) {
  const { severity, message, hint, file, line, column } = problem;
  const known = file !== undefined && files.value.has(file);
  return (
    <div class={`problem ${severity}`}>
      <Icon name={severity} />
      <div>
        <p class="problem-message">{message}</p>
        {hint && <p class="problem-hint">→ {hint}</p>}
        {file && known && (
          <button class="link" onClick={() => goTo(file, line, column)}>
            {file}
            {line ? `:${line}` : ''}
          </button>
        )}
        {problem.chain
          .filter((step) => step.file !== undefined && (step.file !== file || step.line !== line))
          .map((step, at) => (
            <p key={at} class="problem-step">
              from{' '}
              <button class="link" onClick={() => goTo(step.file ?? '', step.line)}>
                {step.file}:{step.line}
              </button>
            </p>
          ))}
      </div>
    </div>
  );
}
