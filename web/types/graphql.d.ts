// Types that connect the text of an operation with its generated types.

import type { Operations } from './api.js';

type BeforeBrace<Text extends string> = Text extends `${infer Head}{${string}` ? Head : Text;
type BeforeParenthesis<Text extends string> = Text extends `${infer Head}(${string}` ? Head : Text;
type Trim<Text extends string> = Text extends `${' ' | '\n'}${infer Rest}`
  ? Trim<Rest>
  : Text extends `${infer Rest}${' ' | '\n'}`
    ? Trim<Rest>
    : Text;

/** The name of an operation, read from its text: `query Name($variable: Type) { … }`. */
export type NameOf<Text extends string> =
  Trim<BeforeParenthesis<BeforeBrace<Text>>> extends `${'query' | 'subscription'} ${infer Name}`
    ? Name extends keyof Operations
      ? Name
      : never
    : never;

/** The text of an operation that knows its name. */
export interface Document<Name extends keyof Operations> {
  readonly text: string;
  readonly name?: Name;
}

/** The result of an operation, by its name. */
export type Data<Name extends keyof Operations> = Operations[Name]['data'];

/** An element of an array. */
export type Item<List> = List extends readonly (infer Element)[] ? Element : never;
