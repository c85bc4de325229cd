[
  (if_statement)
  (for_statement)
  (for_range_loop)
  (while_statement)
  (do_statement)
  (conditional_expression)
  (catch_clause)
] @nest @decision

; Campbell counts the preprocessor's conditions like any other; so does lizard in its cyclomatic complexity.
[
  (preproc_if)
  (preproc_ifdef)
] @nest @decision
[
  (preproc_elif)
  (preproc_elifdef)
] @elseif @decision
(preproc_else) @else

(else_clause) @else
(else_clause (if_statement) @elseif)

; What stands between a macro and the next statement can make a function definition of an `if`.
(function_definition
  declarator: (function_declarator
    declarator: (identifier) @_name
    (#any-of? @_name "if" "for" "while"))) @nest @decision

(switch_statement) @nest
(case_statement value: (_)) @decision

(binary_expression operator: ["&&" "||" "and" "or"]) @logical

(goto_statement) @jump

(lambda_expression) @deepen

(call_expression function: (identifier) @call)
(call_expression function: (template_function name: (identifier) @call))
(call_expression
  function: (field_expression argument: (this) field: (field_identifier) @call))
