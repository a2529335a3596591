// Generates TypeScript types for the GraphQL operations of the pages from `schema.graphql`.
//
// Reads every `graphql(…)` document and every `mutate(name, input, selection)` call below `assets/`, validates each
// against the schema, and describes variables, inputs and results. `--check` compares with the committed file instead.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseScript } from 'acorn';
import * as gql from 'graphql';

const WEB = join(dirname(fileURLToPath(import.meta.url)), '..');
export const OUTPUT = join(WEB, 'types/api.d.ts');
const ASSETS = join(WEB, 'assets');
const schema = gql.buildSchema(readFileSync(join(WEB, '../schema.graphql'), 'utf8'));

/** Functions that send a mutation; each takes a name, an input and a selection. */
const MUTATION_CALLS = new Set(['mutate', 'runMutation']);
const SCALARS = { Int: 'number', Float: 'number', Boolean: 'boolean', JSON: 'JsonObject' };

/** The text of a string or template literal without placeholders; undefined for any other expression. */
function literal(node) {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type === 'TemplateLiteral' && node.expressions.length === 0) return node.quasis[0].value.cooked;
  return undefined;
}

/** Calls `visit` for every node of a syntax tree. */
function walk(node, visit) {
  if (Array.isArray(node)) return node.forEach((one) => walk(one, visit));
  if (typeof node?.type !== 'string') return;
  visit(node);
  for (const value of Object.values(node)) if (typeof value === 'object' && value !== null) walk(value, visit);
}

/** Documents and mutation calls of one script. */
function operationsIn(name) {
  const source = readFileSync(join(ASSETS, name), 'utf8');
  const tree = parseScript(source, { ecmaVersion: 'latest', sourceType: 'module', locations: true });
  const found = { documents: [], mutations: [] };
  walk(tree, (node) => {
    if (node.type !== 'CallExpression' || node.callee.type !== 'Identifier') return;
    const at = `${name}:${node.loc.start.line}`;
    if (node.callee.name === 'graphql') {
      const text = literal(node.arguments[0]);
      if (text !== undefined) found.documents.push({ at, text });
    }
    if (!MUTATION_CALLS.has(node.callee.name)) return;
    const [mutation, selection] = [literal(node.arguments[0]), literal(node.arguments[2])];
    if (mutation === undefined) return;
    if (selection === undefined) throw new Error(`${at}: the selection of ${mutation} must be a literal`);
    found.mutations.push({ at, mutation, selection });
  });
  return found;
}

function parseAndValidate(text, at) {
  const document = gql.parse(text);
  const errors = gql.validate(schema, document);
  if (errors.length > 0) throw new Error(`${at}: ${errors.map((error) => error.message).join('; ')}`);
  return document.definitions[0];
}

/** The TypeScript type of an output type with a selection; `null` is added where the schema allows it. */
function outputType(type, selections, indent) {
  if (gql.isNonNullType(type)) return bareOutputType(type.ofType, selections, indent);
  return `${bareOutputType(type, selections, indent)} | null`;
}

function bareOutputType(type, selections, indent) {
  if (gql.isListType(type)) {
    const item = outputType(type.ofType, selections, indent);
    return item.endsWith('| null') ? `(${item})[]` : `${item}[]`;
  }
  if (gql.isEnumType(type)) return type.name;
  if (gql.isScalarType(type)) return SCALARS[type.name] ?? 'string';
  const inner = `${indent}  `;
  const fields = selections.selections.map((selection) => {
    if (selection.kind !== gql.Kind.FIELD) throw new Error(`only fields can be selected, not ${selection.kind}`);
    const field = type.getFields()[selection.name.value];
    const optional = selection.directives.length > 0 ? '?' : '';
    const name = (selection.alias ?? selection.name).value;
    return `${inner}${name}${optional}: ${outputType(field.type, selection.selectionSet, inner)};\n`;
  });
  return `{\n${fields.join('')}${indent}}`;
}

function inputType(type) {
  if (gql.isNonNullType(type)) return bareInputType(type.ofType);
  return `${bareInputType(type)} | null`;
}

function bareInputType(type) {
  if (gql.isListType(type)) return `readonly ${inputType(type.ofType)}[]`;
  if (gql.isScalarType(type)) return type.name === 'JSON' ? 'Json' : (SCALARS[type.name] ?? 'string');
  return type.name;
}

/** Members of an interface; those that may be left out are optional. */
function inputMembers(fields, indent) {
  const members = fields.map(({ name, type, defaultValue }) => {
    const isOptional = !gql.isNonNullType(type) || defaultValue !== undefined;
    return `${indent}${name}${isOptional ? '?' : ''}: ${inputType(type)};\n`;
  });
  return members.join('');
}

function variablesType(definition) {
  const members = definition.variableDefinitions.map((one) => ({
    name: one.variable.name.value,
    type: gql.typeFromAST(schema, one.type),
    defaultValue: one.defaultValue,
  }));
  return members.length === 0 ? 'Record<string, never>' : `{\n${inputMembers(members, '      ')}    }`;
}

function enumsAndInputs() {
  const types = Object.values(schema.getTypeMap()).filter((type) => !type.name.startsWith('__'));
  const enums = types.filter(gql.isEnumType).map((type) => {
    const values = type.getValues().map((value) => `'${value.name}'`);
    return `export type ${type.name} = ${values.join(' | ')};\n`;
  });
  const inputs = types.filter(gql.isInputObjectType).map((type) => {
    return `export interface ${type.name} {\n${inputMembers(Object.values(type.getFields()), '  ')}}\n`;
  });
  return [...enums, ...inputs].join('\n');
}

function operationTypes(documents) {
  const byName = new Map();
  for (const { at, text } of documents) {
    const definition = parseAndValidate(text, at);
    const name = definition.name?.value;
    if (!name) throw new Error(`${at}: the operation has no name`);
    if (byName.has(name)) throw new Error(`${at}: there is another operation ${name}`);
    const root = schema.getRootType(definition.operation);
    const data = bareOutputType(root, definition.selectionSet, '    ');
    byName.set(name, `  ${name}: {\n    variables: ${variablesType(definition)};\n    data: ${data};\n  };\n`);
  }
  const sorted = [...byName.keys()].sort().map((name) => byName.get(name));
  return `/** Queries and subscriptions by name. */\nexport interface Operations {\n${sorted.join('')}}\n`;
}

function mutationTypes(calls) {
  const fields = schema.getMutationType().getFields();
  const byName = new Map();
  for (const { at, mutation, selection } of calls) {
    const field = fields[mutation];
    if (!field) throw new Error(`${at}: there is no mutation ${mutation}`);
    const [input] = field.args;
    const text = input
      ? `mutation($input:${input.type}){${mutation}(input:$input){${selection}}}`
      : `mutation{${mutation}{${selection}}}`;
    const definition = parseAndValidate(text, at);
    const payload = bareOutputType(field.type.ofType, definition.selectionSet.selections[0].selectionSet, '      ');
    const known = byName.get(mutation) ?? { input: input ? inputType(input.type) : 'null', payloads: new Map() };
    known.payloads.set(selection, payload);
    byName.set(mutation, known);
  }
  const sorted = [...byName.keys()].sort().map((name) => {
    const { input, payloads } = byName.get(name);
    const lines = [...payloads.keys()].sort().map((key) => `      ${JSON.stringify(key)}: ${payloads.get(key)};\n`);
    return `  ${name}: {\n    input: ${input};\n    payloads: {\n${lines.join('')}    };\n  };\n`;
  });
  return `/** Mutations by name, their payloads by selection. */\nexport interface Mutations {\n${sorted.join('')}}\n`;
}

/** The whole file. */
export function generate() {
  const scripts = readdirSync(ASSETS, { recursive: true }).filter((name) => name.endsWith('.js'));
  const found = scripts.sort().map(operationsIn);
  return [
    '// Generated by scripts/api-types.mjs from schema.graphql and the scripts below assets. Do not edit.\n',
    "import type { Json, JsonObject } from './json.js';\n",
    operationTypes(found.flatMap((one) => one.documents)),
    mutationTypes(found.flatMap((one) => one.mutations)),
    enumsAndInputs(),
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = generate();
  if (!process.argv.includes('--check')) writeFileSync(OUTPUT, text);
  else if (readFileSync(OUTPUT, 'utf8') !== text) {
    console.error('types/api.d.ts is out of date: run npm run --prefix web generate');
    process.exitCode = 1;
  }
}
