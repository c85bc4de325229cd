(namespace_definition name: (_) @name body: (_)) @scope
(namespace_definition name: (_) @name !body) @scope.rest

(class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @class
(trait_declaration name: (_) @name) @class
(enum_declaration name: (_) @name) @class

(function_definition
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function
(method_declaration
  name: (_) @name
  parameters: (_) @parameters
  body: (_) @body) @function
(property_declaration
  (property_element name: (_) @receiver)
  (property_hook_list
    (property_hook (name) @name body: (_) @body) @function))

; $name = function ($a) { ... };
(assignment_expression
  left: [(variable_name (name) @name) (member_access_expression name: (name) @name)]
  right: [
    (anonymous_function parameters: (_) @parameters body: (_) @body)
    (arrow_function parameters: (_) @parameters body: (_) @body)
  ] @function)
