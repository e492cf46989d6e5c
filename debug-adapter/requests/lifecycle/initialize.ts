/**
 * The protocol's initialize request: what the client supports, and what this debugger supports. Every capability declared
 * here has its request in the session's table.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from '../../dap/errors';
import { FILTERS } from '../../run-control/catchpoints';
import type { SessionContext } from '../context';

export function initialize(
  context: SessionContext,
  args: DebugProtocol.InitializeRequestArguments,
): DebugProtocol.Capabilities {
  if (args.linesStartAt1 === false || args.columnsStartAt1 === false || args.pathFormat === 'uri') {
    throw new UserError(
      'This debugger counts lines and columns from 1 and names files by paths: "linesStartAt1" and "columnsStartAt1" must be true, "pathFormat" must be "path".',
    );
  }
  context.client = {
    invalidated: args.supportsInvalidatedEvent === true,
    memoryEvents: args.supportsMemoryEvent === true,
    memoryReferences: args.supportsMemoryReferences === true,
    progress: args.supportsProgressReporting === true,
    types: args.supportsVariableType === true,
    paging: args.supportsVariablePaging === true,
  };
  return CAPABILITIES;
}

/**
 * Without `supportTerminateDebuggee`, since the machine is in the adapter and cannot outlive the session, and without
 * `supportsSingleThreadExecutionRequests`, since all harts share one virtual time.
 */
export const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
  supportsCancelRequest: true,

  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsDataBreakpointBytes: true,
  breakpointModes: [
    {
      mode: 'physical',
      label: 'Physical',
      description: 'Watches the bytes of RAM where they lie now: by whatever mapping they are reached, and by devices.',
      appliesTo: ['data'],
    },
    {
      mode: 'virtual',
      label: 'Virtual',
      description: 'Watches an address of a program: the page that is mapped there, also when it becomes another one.',
      appliesTo: ['data'],
    },
  ],
  supportsBreakpointLocationsRequest: true,
  supportsExceptionInfoRequest: true,
  supportsExceptionFilterOptions: true,
  supportsExceptionOptions: true,
  exceptionBreakpointFilters: FILTERS.map(({ filter, label, description, conditionDescription, default: on }) => ({
    filter,
    label,
    description,
    conditionDescription,
    supportsCondition: true,
    default: on === true,
  })),

  supportsStepBack: true,
  supportsSteppingGranularity: true,
  supportsStepInTargetsRequest: true,
  supportsGotoTargetsRequest: true,
  supportsRestartFrame: true,

  supportsDelayedStackTraceLoading: true,
  supportsLoadedSourcesRequest: true,
  supportsModulesRequest: true,
  additionalModuleColumns: [],

  supportsEvaluateForHovers: true,
  supportsClipboardContext: true,
  supportsCompletionsRequest: true,
  completionTriggerCharacters: ['.', '>', '$', ':'],
  supportsSetVariable: true,
  supportsSetExpression: true,
  supportsValueFormattingOptions: true,

  supportsDisassembleRequest: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
};
