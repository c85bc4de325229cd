(function_item name: (_) @name parameters: (_) @parameters body: (_) @body) @function
(let_declaration
  pattern: (identifier) @name
  value: (closure_expression parameters: (_) @parameters body: (_) @body) @function)

(struct_item name: (_) @name) @class
(enum_item name: (_) @name) @class
(union_item name: (_) @name) @class
(trait_item name: (_) @name) @class
(impl_item type: [(type_identifier) @name (generic_type type: (_) @name) (scoped_type_identifier) @name]) @scope
(mod_item name: (_) @name body: (_)) @scope
