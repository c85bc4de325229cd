[
  (if_statement)
  (for_statement)
  (while_statement)
  (repeat_statement)
] @nest @decision

(elseif_statement) @elseif @decision
(else_statement) @else

(binary_expression operator: ["and" "or"]) @logical

(goto_statement) @jump

(function_definition) @deepen

(function_call name: (identifier) @call.plain)
(function_call
  name: [
    (dot_index_expression table: (identifier) @_table field: (_) @call.method)
    (method_index_expression table: (identifier) @_table method: (_) @call.method)
  ]
  (#any-of? @_table "self" "M" "_M"))
