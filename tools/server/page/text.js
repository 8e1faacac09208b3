// The page's words in English and Chinese.

const words = {
  skip: ["Skip to content", "跳到正文"],
  language: ["Language", "语言"],
  navigation: ["Sections", "栏目"],
  key: ["Key", "密钥"],
  key_set: ["Key set", "已设密钥"],
  key_title: ["API key", "API 密钥"],
  key_help: ["Kept in this tab alone, and forgotten when you close it.", "只保存在此标签页中，关闭后即忘记。"],
  key_use: ["Use this key", "使用此密钥"],
  key_forget: ["Forget", "清除"],
  key_bad: ["The server does not know this key.", "服务器不认识此密钥。"],
  key_needed: ["This server wants a key.", "此服务器需要密钥。"],
  enter_key: ["Enter a key", "输入密钥"],
  loading: ["Loading…", "加载中…"],
  failed: ["That did not work: {0}", "未成功：{0}"],
  nothing_here: ["This key may not use anything on this page.", "此密钥无权使用本页功能。"],
  cancel: ["Cancel", "取消"],

  nav_model: ["Try a model", "试用模型"],
  nav_desk: ["Customer desk", "客服台"],
  nav_console: ["Agent console", "坐席台"],
  nav_faq: ["FAQ", "知识库"],
  nav_dashboard: ["Dashboard", "看板"],
  short_model: ["Models", "模型"],
  short_desk: ["Desk", "客服台"],
  short_console: ["Console", "坐席台"],
  short_faq: ["FAQ", "知识库"],
  short_dashboard: ["Dashboard", "看板"],

  model_lead: ["Send a prompt and watch the tokens come.", "输入提示词，看模型逐词生成。"],
  model: ["Model", "模型"],
  mode: ["Mode", "方式"],
  mode_chat: ["Chat", "对话"],
  mode_text: ["Completion", "续写"],
  system: ["System message", "系统提示"],
  temperature: ["Temperature", "温度"],
  temperature_hint: ["0 takes the most likely token each time", "0 表示每次取最可能的词元"],
  top_p: ["Top p", "Top p"],
  top_k: ["Top k", "Top k"],
  max_tokens: ["Max new tokens", "最多新词元"],
  seed: ["Seed", "随机种子"],
  stop_words: ["Stop at", "停止词"],
  stop_hint: ["separated by commas", "用逗号分隔"],
  show_tokens: ["Show tokens with their probabilities", "显示词元及概率"],
  parameters: ["Parameters", "参数"],
  send: ["Send", "发送"],
  complete: ["Complete", "续写"],
  stop: ["Stop", "停止"],
  clear: ["Clear", "清空"],
  prompt: ["Prompt", "提示词"],
  message: ["Message", "消息"],
  type_message: ["Type a message…", "输入消息…"],
  type_prompt: ["The customer asked for", "顾客想要"],
  you: ["You", "我"],
  assistant: ["Model", "模型"],
  output: ["Output", "输出"],
  empty_chat: ["Nothing yet. Type a message below.", "暂无内容，请在下方输入。"],
  usage: ["{0} prompt + {1} new tokens · {2} tokens/s · first after {3} ms", "提示 {0} + 新增 {1} 词元 · {2} 词元/秒 · 首个 {3} 毫秒"],
  stopped: ["stopped", "已停止"],
  tokens: ["Tokens", "词元"],
  tokens_help: ["Choose a token to see what else was likely.", "选择词元可查看其他候选。"],
  token_is: ["{0}, token {1}, {2} %", "{0}，词元 {1}，{2} %"],
  instead: ["Instead of {0}", "{0} 的其他候选"],
  finish: ["ended by {0}", "结束原因：{0}"],

  desk_lead: ["Talk to the shop's desk as a customer does.", "以顾客身份与店铺客服对话。"],
  customer: ["Customer", "顾客"],
  customer_hint: ["who is logged in; empty: nobody", "已登录的顾客编号；空为未登录"],
  customer_is: ["Logged in as {0}", "已登录：{0}"],
  customer_none: ["Not logged in", "未登录"],
  new_conversation: ["New conversation", "新对话"],
  desk_name: ["Desk", "客服"],
  desk_empty: ["How can we help? Try one of these:", "有什么可以帮您？可以试试："],
  start_1: ["Where is my order?", "我的订单到哪了？"],
  start_2: ["What does shipping cost?", "运费多少钱？"],
  start_3: ["I want to cancel an order", "我要取消订单"],
  start_4: ["Can you recommend a gift?", "能推荐一份礼物吗？"],
  start_5: ["Let me talk to a person", "转人工客服"],
  yes: ["Yes", "是的"],
  no: ["No", "不用了"],
  yes_text: ["yes", "是的"],
  no_text: ["no", "不用了"],
  sources: ["Source", "来源"],
  done_action: ["Done: {0} {1}", "已完成：{0} {1}"],
  failed_action: ["Not done: {0} {1}", "未完成：{0} {1}"],
  unknown_action: ["Being checked: {0} {1}", "核实中：{0} {1}"],
  waits_for_person: ["A person will answer here.", "人工客服将在此回复。"],
  person_answers: ["A person is answering.", "人工客服正在回复。"],
  sure: ["{0} % sure", "把握 {0} %"],
  took_ms: ["{0} ms", "{0} 毫秒"],
  recommend: ["Recommended for you", "为您推荐"],
  recommend_button: ["Show recommendations", "查看推荐"],
  in_stock: ["In stock", "有货"],
  sold_out: ["Sold out", "缺货"],
  desk_types: ["The desk is writing", "客服正在输入"],
  person: ["Agent {0}", "客服 {0}"],

  console_lead: ["Conversations that wait for a person.", "等待人工处理的对话。"],
  queue: ["Queue", "队列"],
  n_waiting: ["{0} waiting", "{0} 个等待"],
  new_waiting: ["A customer waits: {0}", "有顾客等待：{0}"],
  queue_empty: ["Nobody waits.", "没有等待的对话。"],
  unsettled: ["Actions to check", "待核实的操作"],
  unsettled_help: ["Nobody knows whether these took effect. Look it up, then say.", "以下操作是否生效未知，请核实后选择。"],
  took_effect: ["It took effect", "已生效"],
  no_effect: ["It did not", "未生效"],
  settled: ["Recorded.", "已记录。"],
  priority_0: ["Normal", "普通"],
  priority_1: ["Angry", "不满"],
  priority_2: ["Urgent", "紧急"],
  status_waiting: ["waiting", "等待中"],
  status_person: ["with {0}", "{0} 处理中"],
  status_open: ["with the desk", "机器人处理"],
  status_closed: ["closed", "已结束"],
  since: ["{0} min", "{0} 分钟"],
  just_now: ["just now", "刚刚"],
  choose_conversation: ["Choose a conversation.", "请选择对话。"],
  take_over: ["Take over", "接管"],
  hand_back: ["Hand back", "交还机器人"],
  close: ["Close", "结束对话"],
  taken: ["You have the conversation. The desk keeps silent.", "您已接管对话，机器人不再回复。"],
  handed_back: ["The desk answers again.", "机器人恢复回复。"],
  closed_it: ["The conversation is closed.", "对话已结束。"],
  plain_texts: ["Show personal data (recorded)", "显示个人信息（将记录）"],
  reply: ["Reply", "回复"],
  type_reply: ["Write to the customer…", "回复顾客…"],
  take_first: ["Take over to reply.", "接管后方可回复。"],
  suggestions: ["Suggestions", "回复建议"],
  use: ["Use", "采用"],
  no_suggestions: ["No suggestions.", "暂无建议。"],
  kind_entry: ["FAQ", "知识库"],
  kind_past: ["Sent before", "历史回复"],
  kind_draft: ["Draft", "草稿"],
  kind_template: ["Template", "模板"],
  proposed: ["Proposed: {0} {1}", "待批准操作：{0} {1}"],
  politer: ["Politer", "更礼貌"],
  shorter: ["Shorter", "更简短"],
  nobody: ["not logged in", "未登录"],
  summary: ["Summary", "摘要"],

  faq_lead: ["What the desk answers from. Each change is a new version.", "机器人据此回答；每次修改生成新版本。"],
  search: ["Search", "搜索"],
  all_languages: ["All languages", "全部语言"],
  with_retired: ["Retired ones, too", "含已停用"],
  new_entry: ["New entry", "新条目"],
  n_entries: ["{0} entries", "{0} 个条目"],
  entry_id: ["Id", "编号"],
  entry_lang: ["Language", "语言"],
  questions: ["Questions", "问法"],
  questions_hint: ["one a line", "每行一个"],
  answer: ["Answer", "答案"],
  tags: ["Tags", "标签"],
  tags_hint: ["separated by commas", "用逗号分隔"],
  save: ["Save", "保存"],
  retire: ["Retire", "停用"],
  retire_sure: ["Retire {0} ({1})? It will no longer answer.", "停用 {0}（{1}）？停用后不再用于回答。"],
  discard_sure: ["Your changes are not saved. Discard them?", "修改尚未保存，要放弃吗？"],
  discard: ["Discard", "放弃"],
  retired: ["retired", "已停用"],
  saved: ["Saved as version {0}.", "已保存为版本 {0}。"],
  unchanged: ["Nothing has changed: version {0}.", "内容未变，仍为版本 {0}。"],
  is_retired: ["Retired.", "已停用。"],
  version: ["Version", "版本"],
  version_now: ["{0} (current)", "{0}（当前）"],
  version_old: ["An earlier version. Save to use it again.", "历史版本，保存即可重新启用。"],
  choose_entry: ["Choose an entry, or make a new one.", "请选择条目，或新建。"],
  live_test: ["Live test", "实时测试"],
  live_help: ["Ask as a customer would.", "像顾客一样提问。"],
  ask: ["Ask", "提问"],
  question: ["Question", "问题"],
  probability: ["Probability", "概率"],
  candidates: ["Candidates", "候选条目"],
  threshold_no: ["No answer: nothing is likely enough.", "不作答：没有足够可靠的答案。"],
  more: ["More", "更多"],

  dashboard_lead: ["What the desk did in the last days.", "近期客服表现。"],
  days: ["Days", "天数"],
  last_days: ["{0} days", "{0} 天"],
  refresh: ["Refresh", "刷新"],
  tile_turns: ["Messages", "消息"],
  tile_conversations: ["Conversations", "对话"],
  tile_answered: ["Answered by the desk", "机器人解答率"],
  tile_handed: ["Handed to a person", "转人工率"],
  tile_p50: ["Median response", "响应中位数"],
  tile_p95: ["95 % within", "95% 响应"],
  tile_waiting: ["Waiting now", "当前等待"],
  chart_answers: ["Answers by day", "每日回答情况"],
  chart_times: ["Response times (ms)", "响应时间（毫秒）"],
  chart_routes: ["How it was answered", "回答方式"],
  chart_intents: ["Intents", "意图"],
  chart_sentiment: ["Sentiment", "情绪"],
  chart_handovers: ["Why a person was needed", "转人工原因"],
  chart_suggestions: ["What became of suggestions", "建议采用情况"],
  chart_languages: ["Languages", "语言"],
  answered: ["Answered", "已解答"],
  asked_back: ["Asked back or no answer", "反问或无答案"],
  handed_over: ["Handed over", "转人工"],
  refused: ["Refused", "拒绝"],
  median: ["Median", "中位数"],
  p95: ["95th percentile", "95 分位"],
  as_table: ["As a table", "以表格显示"],
  day: ["Day", "日期"],
  name: ["Name", "名称"],
  count: ["Count", "数量"],
  nothing: ["Nothing in these days.", "这段时间没有数据。"],
};

// Names that the shop's calls return.
const names = {
  route: {
    none: ["no answer", "无答案"], flow: ["dialogue", "流程"], entry: ["FAQ", "知识库"], filled: ["FAQ with details", "知识库（填充）"],
    generated: ["worded by a model", "模型生成"], recommend: ["recommendation", "推荐"], smalltalk: ["small talk", "寒暄"],
    ask_back: ["asked back", "反问"], handover: ["handed over", "转人工"], blocked: ["refused", "拒绝"],
    unavailable: ["not available", "不可用"], silent: ["with a person", "人工处理中"], person: ["person", "人工"],
  },
  reason: {
    wanted: ["Asked for a person", "要求人工"], not_understood: ["Not understood", "未能理解"], slot_missing: ["Details missing", "信息不全"],
    danger: ["Danger", "危险"], legal: ["Legal matter", "法律问题"], action_unknown: ["Action to check", "操作待核实"],
    return_window: ["After the return period", "超过退货期"], threat: ["Threat", "威胁"], self_harm: ["Self-harm", "自伤"],
    insult: ["Insult", "辱骂"], angry: ["Angry", "情绪激动"],
  },
  sentiment: { negative: ["negative", "负面"], neutral: ["neutral", "中性"], positive: ["positive", "正面"] },
  suggestion: { shown: ["not decided", "未处理"], accepted: ["sent as it was", "直接采用"], edited: ["sent after a change", "修改后采用"], rejected: ["rejected", "未采用"] },
  language: { en: ["English", "英文"], zh: ["Chinese", "中文"] },
  action: {
    cancel_order: ["cancel order", "取消订单"], request_return: ["return order", "申请退货"], change_address: ["change address", "修改地址"],
    request_exchange: ["exchange order", "申请换货"], request_invoice: ["invoice for", "申请发票"], report_problem: ["report a problem with", "报告问题"],
    file_complaint: ["complaint", "投诉"], human: ["talk to a person", "转人工"],
  },
  intent: {
    about_bot: ["about the bot", "了解机器人"], cancel_order: ["cancel order", "取消订单"], change_order: ["change order", "修改订单"],
    change_shipping_address: ["change address", "修改收货地址"], check_cancellation_fee: ["cancellation fee", "取消费用"], check_invoice: ["check invoice", "查发票"],
    check_payment_methods: ["payment methods", "付款方式"], check_refund_policy: ["refund policy", "退货政策"], complaint: ["complaint", "投诉"],
    contact_customer_service: ["contact", "联系客服"], contact_human_agent: ["talk to a person", "转人工"], coupon: ["coupon", "优惠券"],
    create_account: ["create account", "注册账户"], damaged_item: ["damaged item", "商品破损"], delete_account: ["delete account", "注销账户"],
    delivery_options: ["delivery options", "配送方式"], delivery_period: ["delivery time", "配送时间"], edit_account: ["edit account", "修改账户"],
    exchange_item: ["exchange", "换货"], get_invoice: ["get invoice", "要发票"], get_refund: ["refund", "退款"], gift: ["gift", "礼品"],
    goodbye: ["goodbye", "道别"], greeting: ["greeting", "打招呼"], insult: ["insult", "辱骂"], membership_points: ["points", "积分"],
    missing_item: ["missing item", "少件"], missing_parcel: ["missing parcel", "未收到包裹"], newsletter_subscription: ["newsletter", "邮件订阅"],
    opening_hours: ["opening hours", "营业时间"], payment_issue: ["payment problem", "付款问题"], place_order: ["place order", "下单"],
    price_protection: ["price protection", "价保"], privacy: ["privacy", "隐私"], product_question: ["product question", "商品咨询"],
    recommend: ["recommendation", "推荐"], recover_password: ["password", "找回密码"], registration_problems: ["registration", "注册问题"],
    return_item: ["return", "退货"], review: ["review", "评价"], set_up_shipping_address: ["add address", "添加地址"], size_advice: ["size", "尺码"],
    stock: ["stock", "库存"], switch_account: ["switch account", "切换账户"], thanks: ["thanks", "道谢"], track_order: ["track order", "查订单"],
    track_refund: ["track refund", "查退款"], warranty_repair: ["warranty", "保修"], wholesale: ["wholesale", "批量购买"], wrong_item: ["wrong item", "发错货"],
  },
  finish: { stop: ["an end", "自然结束"], length: ["the limit of tokens", "达到词元上限"] },
};

const LANGUAGE = "llmcs-language";

function initial() {
  const kept = localStorage.getItem(LANGUAGE);
  if (kept === "en" || kept === "zh") return kept;
  return /^zh/i.test(navigator.language) ? "zh" : "en";
}

let current = initial();

export function language() { return current; }
export function setLanguage(lang) {
  current = lang;
  localStorage.setItem(LANGUAGE, lang);
}

const pick = (pair) => pair[current === "zh" ? 1 : 0];

export function t(key, ...values) {
  const pair = words[key];
  if (!pair) throw new Error("no words for " + key);
  return pick(pair).replace(/\{(\d)\}/g, (_, i) => String(values[i] ?? ""));
}

// The name of a value in a group, or the value with spaces for underscores.
export function named(group, value) {
  const pair = names[group] && names[group][value];
  return pair ? pick(pair) : String(value).replaceAll("_", " ");
}

export function number(value, digits = 0) {
  return Number(value).toLocaleString(current === "zh" ? "zh-CN" : "en", { maximumFractionDigits: digits });
}

export function money(value, currency) {
  try {
    return Number(value).toLocaleString(current === "zh" ? "zh-CN" : "en", { style: "currency", currency: currency || "CNY", currencyDisplay: "narrowSymbol" });
  } catch {
    return number(value, 2) + " " + currency;
  }
}

export function day(seconds) {
  return new Date(seconds * 1000).toLocaleDateString(current === "zh" ? "zh-CN" : "en", { month: "short", day: "numeric" });
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString(current === "zh" ? "zh-CN" : "en", { hour: "2-digit", minute: "2-digit" });
}
