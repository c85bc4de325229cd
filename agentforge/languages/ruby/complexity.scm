[
  (if)
  (unless)
  (if_modifier)
  (unless_modifier)
  (conditional)
  (while)
  (until)
  (while_modifier)
  (until_modifier)
  (for)
  (rescue)
  (rescue_modifier)
] @nest @decision

(elsif) @elseif @decision
(if alternative: (else) @else)
(elsif alternative: (else) @else)
(unless alternative: (else) @else)

[
  (case)
  (case_match)
] @nest
(when) @decision
(in_clause) @decision

(binary operator: ["&&" "||" "and" "or"]) @logical
(operator_assignment operator: ["||=" "&&="] @decision)

[
  (block)
  (do_block)
  (lambda)
] @deepen

(call !receiver method: (identifier) @call)
(call receiver: (self) method: (identifier) @call)
