-- begin --
-- Who asks, for this transaction alone: nothing of it is left on the server's connection for whoever comes next. The role is
-- the one that the session has already, except for operators, who work as the application. The last column, which is reckoned
-- after the others, is the user, or NULL for nobody.
SELECT set_config('search_path', %(search_path)s, true), set_config('role', %(role)s, true),
       set_config('agentforge.session_token', %(token)s, true), set_config('agentforge.request_id', %(request_id)s, true),
       agentforge.current_user_id();
