package api

// signUpWords is what forms and the page for confirming say by themselves, in one language.
type signUpWords struct {
	Title, Email, Name, Required, Lists, Button                       string
	BadEmail, Missing, Long, BadText, Number, Date, Choice            string
	Problems, Again, Trap                                             string
	DoneTitle, Done, DoneDouble                                       string
	Closed, ClosedText, Often, OftenText, Failed, FailedText          string
	Confirm, ConfirmText, ConfirmButton, Unwanted, Decline            string
	Confirmed, ConfirmedText, ThanksDeclined, DeclinedText            string
	Expired, ExpiredText, ExpiredButton, Asked, AskedText             string
	Unknown, UnknownText, Test, Close, ListsFallback, PreviewDisabled string
}

// wordsOf gives the words of a language that audience.Languages has; English for any other.
func wordsOf(language string) (string, signUpWords) {
	if w, known := signUpLanguages[language]; known {
		return language, w
	}
	return "en", signUpLanguages["en"]
}

var signUpLanguages = map[string]signUpWords{
	"en": {
		Title: "Get our mail", Email: "E-mail address", Name: "Name", Required: "required", Lists: "What do you want to get?", Button: "Sign up",
		BadEmail: "Please write a complete e-mail address, such as name@example.org.", Missing: "Please fill this in.", Long: "Please write less.",
		BadText: "Please use ordinary characters.", Number: "Please write a number.", Date: "Please write a date.", Choice: "Please choose at least one.",
		Problems: "Something is missing or not right. Please look below.", Again: "That was very quick. Please press the button once more.", Trap: "Leave this empty",
		DoneTitle: "Thank you", Done: "You are signed up. If we have to make sure that it was you, a message with a link is on its way.",
		DoneDouble: "One step is left: a message with a link is on its way to you. Please open the link and confirm. If nothing comes, look into the folder for unwanted mail.",
		Closed:     "This form is closed", ClosedText: "Nobody can sign up here at the moment.",
		Often: "Please try again later", OftenText: "Too many sign-ups came from your network. Please try again in an hour.",
		Failed: "Something went wrong", FailedText: "That is our fault, not yours. Please try again in some minutes.",
		Confirm: "Please confirm", ConfirmText: "should get mail from us:", ConfirmButton: "Yes, I want it", Unwanted: "You did not ask for this?", Decline: "That was not me",
		Confirmed: "You are on the list", ConfirmedText: "gets mail from us from now on:",
		ThanksDeclined: "Nothing will come", DeclinedText: "You are on no list by this, and we send no more messages that ask you. You can close this page.",
		Expired: "This link has expired", ExpiredText: "It was not used in time. You can have a new message with a new link.", ExpiredButton: "Send me a new link",
		Asked: "Look into your mailbox", AskedText: "If we may send another message to this address, it is on its way. There are only a few in a day.",
		Unknown: "This link does not work", UnknownText: "It is incomplete, or what it led to is gone. Open it from the message once more, or sign up again.",
		Test: "This is the page behind a test message. Nothing is kept of what you choose.", Close: "You can close this page.", ListsFallback: "this mailing list",
		PreviewDisabled: "This is a preview",
	},
	"de": {
		Title: "Post von uns bekommen", Email: "E-Mail-Adresse", Name: "Name", Required: "Pflichtfeld", Lists: "Was möchten Sie bekommen?", Button: "Anmelden",
		BadEmail: "Bitte schreiben Sie eine vollständige E-Mail-Adresse, zum Beispiel name@example.org.", Missing: "Bitte füllen Sie das aus.", Long: "Bitte schreiben Sie weniger.",
		BadText: "Bitte verwenden Sie gewöhnliche Zeichen.", Number: "Bitte schreiben Sie eine Zahl.", Date: "Bitte schreiben Sie ein Datum.", Choice: "Bitte wählen Sie mindestens eines.",
		Problems: "Etwas fehlt oder stimmt nicht. Bitte sehen Sie unten nach.", Again: "Das ging sehr schnell. Bitte drücken Sie noch einmal auf den Knopf.", Trap: "Bitte leer lassen",
		DoneTitle: "Vielen Dank", Done: "Sie sind angemeldet. Falls wir sicher sein müssen, dass Sie es waren, ist eine Nachricht mit einem Link unterwegs.",
		DoneDouble: "Ein Schritt fehlt noch: Eine Nachricht mit einem Link ist zu Ihnen unterwegs. Bitte öffnen Sie den Link und bestätigen Sie. Wenn nichts kommt, sehen Sie im Ordner für unerwünschte Post nach.",
		Closed:     "Dieses Formular ist geschlossen", ClosedText: "Zurzeit kann sich hier niemand anmelden.",
		Often: "Bitte versuchen Sie es später", OftenText: "Aus Ihrem Netz kamen zu viele Anmeldungen. Bitte versuchen Sie es in einer Stunde noch einmal.",
		Failed: "Etwas ist schiefgegangen", FailedText: "Das liegt an uns, nicht an Ihnen. Bitte versuchen Sie es in einigen Minuten noch einmal.",
		Confirm: "Bitte bestätigen", ConfirmText: "soll Post von uns bekommen:", ConfirmButton: "Ja, das möchte ich", Unwanted: "Sie haben das nicht verlangt?", Decline: "Das war ich nicht",
		Confirmed: "Sie stehen auf der Liste", ConfirmedText: "bekommt ab jetzt Post von uns:",
		ThanksDeclined: "Es kommt nichts", DeclinedText: "Sie stehen dadurch auf keiner Liste, und wir schicken keine weiteren Nachrichten mit dieser Frage. Sie können diese Seite schließen.",
		Expired: "Dieser Link ist abgelaufen", ExpiredText: "Er wurde nicht rechtzeitig benutzt. Sie können eine neue Nachricht mit einem neuen Link bekommen.", ExpiredButton: "Neuen Link schicken",
		Asked: "Sehen Sie in Ihr Postfach", AskedText: "Wenn wir noch eine Nachricht an diese Adresse schicken dürfen, ist sie unterwegs. Es sind nur wenige am Tag.",
		Unknown: "Dieser Link funktioniert nicht", UnknownText: "Er ist unvollständig, oder das, wohin er führte, gibt es nicht mehr. Öffnen Sie ihn noch einmal aus der Nachricht, oder melden Sie sich neu an.",
		Test: "Das ist die Seite hinter einer Testnachricht. Was Sie hier wählen, wird nicht gespeichert.", Close: "Sie können diese Seite schließen.", ListsFallback: "diese Liste",
		PreviewDisabled: "Das ist eine Vorschau",
	},
	"fr": {
		Title: "Recevoir nos messages", Email: "Adresse e-mail", Name: "Nom", Required: "obligatoire", Lists: "Que souhaitez-vous recevoir ?", Button: "S’inscrire",
		BadEmail: "Écrivez une adresse e-mail complète, par exemple nom@example.org.", Missing: "Remplissez ce champ.", Long: "Écrivez moins.",
		BadText: "Utilisez des caractères ordinaires.", Number: "Écrivez un nombre.", Date: "Écrivez une date.", Choice: "Choisissez au moins une possibilité.",
		Problems: "Il manque quelque chose, ou quelque chose n’est pas correct. Voyez ci-dessous.", Again: "C’était très rapide. Appuyez encore une fois sur le bouton.", Trap: "Laissez ce champ vide",
		DoneTitle: "Merci", Done: "Vous êtes inscrit. Si nous devons nous assurer que c’était bien vous, un message avec un lien est en route.",
		DoneDouble: "Il reste une étape : un message avec un lien est en route vers vous. Ouvrez le lien et confirmez. Si rien n’arrive, regardez dans le dossier des indésirables.",
		Closed:     "Ce formulaire est fermé", ClosedText: "Personne ne peut s’inscrire ici pour le moment.",
		Often: "Réessayez plus tard", OftenText: "Trop d’inscriptions sont venues de votre réseau. Réessayez dans une heure.",
		Failed: "Un problème est survenu", FailedText: "C’est notre faute, pas la vôtre. Réessayez dans quelques minutes.",
		Confirm: "Veuillez confirmer", ConfirmText: "doit recevoir nos messages :", ConfirmButton: "Oui, je le souhaite", Unwanted: "Vous n’avez rien demandé ?", Decline: "Ce n’était pas moi",
		Confirmed: "Vous êtes sur la liste", ConfirmedText: "reçoit désormais nos messages :",
		ThanksDeclined: "Vous ne recevrez rien", DeclinedText: "Vous n’êtes sur aucune liste, et nous n’enverrons plus de message pour vous le demander. Vous pouvez fermer cette page.",
		Expired: "Ce lien a expiré", ExpiredText: "Il n’a pas été utilisé à temps. Vous pouvez recevoir un nouveau message avec un nouveau lien.", ExpiredButton: "Envoyer un nouveau lien",
		Asked: "Regardez dans votre boîte aux lettres", AskedText: "Si nous pouvons encore envoyer un message à cette adresse, il est en route. Il n’y en a que quelques-uns par jour.",
		Unknown: "Ce lien ne fonctionne pas", UnknownText: "Il est incomplet, ou ce à quoi il menait n’existe plus. Ouvrez-le de nouveau depuis le message, ou inscrivez-vous encore une fois.",
		Test: "Ceci est la page derrière un message de test. Rien n’est conservé de ce que vous choisissez.", Close: "Vous pouvez fermer cette page.", ListsFallback: "cette liste",
		PreviewDisabled: "Ceci est un aperçu",
	},
	"es": {
		Title: "Reciba nuestros mensajes", Email: "Correo electrónico", Name: "Nombre", Required: "obligatorio", Lists: "¿Qué desea recibir?", Button: "Suscribirse",
		BadEmail: "Escriba una dirección completa, por ejemplo nombre@example.org.", Missing: "Rellene este campo.", Long: "Escriba menos.",
		BadText: "Use caracteres corrientes.", Number: "Escriba un número.", Date: "Escriba una fecha.", Choice: "Elija al menos una opción.",
		Problems: "Falta algo o algo no es correcto. Mire abajo, por favor.", Again: "Ha sido muy rápido. Pulse el botón otra vez, por favor.", Trap: "Deje esto vacío",
		DoneTitle: "Gracias", Done: "Ya está suscrito. Si tenemos que asegurarnos de que ha sido usted, un mensaje con un enlace está en camino.",
		DoneDouble: "Falta un paso: un mensaje con un enlace está en camino. Abra el enlace y confirme, por favor. Si no llega nada, mire en la carpeta de correo no deseado.",
		Closed:     "Este formulario está cerrado", ClosedText: "De momento nadie puede suscribirse aquí.",
		Often: "Inténtelo más tarde", OftenText: "Han llegado demasiadas suscripciones desde su red. Inténtelo de nuevo dentro de una hora.",
		Failed: "Algo ha fallado", FailedText: "Es culpa nuestra, no suya. Inténtelo de nuevo dentro de unos minutos.",
		Confirm: "Confirme, por favor", ConfirmText: "recibirá nuestros mensajes:", ConfirmButton: "Sí, lo deseo", Unwanted: "¿No lo ha pedido usted?", Decline: "No he sido yo",
		Confirmed: "Ya está en la lista", ConfirmedText: "recibe desde ahora nuestros mensajes:",
		ThanksDeclined: "No recibirá nada", DeclinedText: "No está en ninguna lista por esto, y no enviaremos más mensajes para preguntárselo. Puede cerrar esta página.",
		Expired: "Este enlace ha caducado", ExpiredText: "No se usó a tiempo. Puede recibir un mensaje nuevo con un enlace nuevo.", ExpiredButton: "Enviarme un enlace nuevo",
		Asked: "Mire en su buzón", AskedText: "Si podemos enviar otro mensaje a esta dirección, está en camino. Solo hay unos pocos al día.",
		Unknown: "Este enlace no funciona", UnknownText: "Está incompleto, o ya no existe aquello a lo que llevaba. Ábralo otra vez desde el mensaje o suscríbase de nuevo.",
		Test: "Esta es la página de un mensaje de prueba. No se guarda nada de lo que elija.", Close: "Puede cerrar esta página.", ListsFallback: "esta lista",
		PreviewDisabled: "Esto es una vista previa",
	},
	"ru": {
		Title: "Получать наши письма", Email: "Адрес электронной почты", Name: "Имя", Required: "обязательно", Lists: "Что вы хотите получать?", Button: "Подписаться",
		BadEmail: "Укажите адрес полностью, например name@example.org.", Missing: "Заполните это поле.", Long: "Слишком длинно.",
		BadText: "Используйте обычные знаки.", Number: "Укажите число.", Date: "Укажите дату.", Choice: "Выберите хотя бы одно.",
		Problems: "Чего-то не хватает или что-то неверно. Посмотрите ниже.", Again: "Это было очень быстро. Нажмите кнопку ещё раз.", Trap: "Оставьте пустым",
		DoneTitle: "Спасибо", Done: "Вы подписаны. Если нам нужно убедиться, что это были вы, письмо со ссылкой уже в пути.",
		DoneDouble: "Остался один шаг: письмо со ссылкой уже в пути. Откройте ссылку и подтвердите. Если ничего не приходит, загляните в папку со спамом.",
		Closed:     "Эта форма закрыта", ClosedText: "Сейчас здесь нельзя подписаться.",
		Often: "Попробуйте позже", OftenText: "Из вашей сети пришло слишком много подписок. Попробуйте через час.",
		Failed: "Что-то пошло не так", FailedText: "Это наша вина, не ваша. Попробуйте через несколько минут.",
		Confirm: "Пожалуйста, подтвердите", ConfirmText: "будет получать наши письма:", ConfirmButton: "Да, подтверждаю", Unwanted: "Вы этого не просили?", Decline: "Это был не я",
		Confirmed: "Вы в списке", ConfirmedText: "теперь получает наши письма:",
		ThanksDeclined: "Ничего не придёт", DeclinedText: "Вы не попали ни в один список, и мы больше не пришлём писем с этим вопросом. Страницу можно закрыть.",
		Expired: "Срок ссылки истёк", ExpiredText: "Ею не воспользовались вовремя. Можно получить новое письмо с новой ссылкой.", ExpiredButton: "Прислать новую ссылку",
		Asked: "Проверьте почту", AskedText: "Если на этот адрес ещё можно отправить письмо, оно уже в пути. За день их бывает лишь несколько.",
		Unknown: "Эта ссылка не работает", UnknownText: "Она неполная, или того, на что она вела, больше нет. Откройте её из письма ещё раз или подпишитесь заново.",
		Test: "Это страница тестового письма. Ничего из того, что вы выберете, не сохранится.", Close: "Страницу можно закрыть.", ListsFallback: "эта рассылка",
		PreviewDisabled: "Это предварительный просмотр",
	},
}
