; inherits: javascript
(required_parameter pattern: [(identifier) @parameter (rest_pattern (identifier) @parameter)])
(optional_parameter pattern: (identifier) @parameter)
