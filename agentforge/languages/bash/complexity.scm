[
  (if_statement)
  (for_statement)
  (c_style_for_statement)
  (while_statement)
  (ternary_expression)
] @nest @decision

(elif_clause) @elseif @decision
(else_clause) @else

(case_statement) @nest
; Every item but `*)`
(case_item value: (_) @_pattern (#not-eq? @_pattern "*")) @decision

(list ["&&" "||"]) @logical
(binary_expression operator: ["&&" "||"]) @logical

; break 2
(command
  name: (command_name) @_jump
  argument: (number)
  (#any-of? @_jump "break" "continue")) @jump

(command name: (command_name) @call.plain)
