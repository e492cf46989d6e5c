/** Names of stack frames, with the parts that the protocol's StackFrameFormat requests: parameters, module, line. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../../launch/debuggee';
import { frameEvaluation } from '../../evaluation/evaluation';
import { formatValue } from '../../expressions/format';
import { typeName } from '../../expressions/types';
import { variableValue } from '../../expressions/value';
import { baseName } from '../../code/sources';
import type { Frame } from '../../stack/frame';
import { localVariables } from '../../stack/variables';

export function frameName(debuggee: Debuggee, frame: Frame, format: DebugProtocol.StackFrameFormat = {}): string {
  if (frame.isLabel) return frame.name;
  if (!frame.image) return frame.isUser ? `${frame.name} in the user program${programOf(frame)}` : frame.name;
  const all = format.includeAll === true;
  const shown = (part: keyof DebugProtocol.StackFrameFormat): boolean => all || format[part] === true;
  const withParameters =
    shown('parameters') || shown('parameterTypes') || shown('parameterNames') || shown('parameterValues');
  return [
    shown('module') ? `${baseName(frame.image.binary.path)}!` : '',
    frame.name,
    withParameters ? `(${parameters(debuggee, frame, format)})` : '',
    shown('line') && frame.line > 0 ? ` Line ${frame.line}` : '',
  ].join('');
}

const programOf = ({ process }: Frame): string => (process ? ` (pid ${process.pid} ${process.name})` : '');

/** If only `parameters` is set, shows names and values. */
function parameters(debuggee: Debuggee, frame: Frame, format: DebugProtocol.StackFrameFormat): string {
  const all = format.includeAll === true;
  const named = format.parameterTypes === true || format.parameterNames === true || format.parameterValues === true;
  const types = all || format.parameterTypes === true;
  const names = all || format.parameterNames === true || !named;
  const values = all || format.parameterValues === true || !named;
  const evaluation = frameEvaluation(debuggee, frame);
  return localVariables(frame)
    .filter(({ kind }) => kind === 'parameter')
    .map((variable) => {
      const declared = [types ? typeName(variable.type) : '', names ? variable.name : ''].filter((part) => part !== '');
      const value = values
        ? formatValue(variableValue(variable, evaluation), evaluation, { hex: format.hex === true })
        : '';
      return [declared.join(' '), value].filter((part) => part !== '').join('=');
    })
    .join(', ');
}
